import { spawn, spawnSync } from 'node:child_process'
import type { TestProject } from 'vitest/node'
import { freePort } from '../../scripts/free-port.ts'

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string
  }
}

/** A real Redis for the run: by REDIS_URL, else redis-server on the PATH, else installed by the system where that is allowed. */
export default async function setup(project: TestProject): Promise<(() => void) | undefined> {
  if (process.env.REDIS_URL) {
    project.provide('redisUrl', process.env.REDIS_URL)
    return undefined
  }
  const redis = await startRedis()
  project.provide('redisUrl', redis.url)
  return redis.stop
}

/** A Redis of its own, which keeps nothing on disk; 0 takes a free port. */
export async function startRedis(wanted = 0): Promise<{ url: string; stop: () => void }> {
  if (!isOnPath('redis-server')) install()
  const port = await freePort(wanted)
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server = spawn('redis-server', args)
  await new Promise<void>((resolve, reject) => {
    server.stdout.on('data', (chunk) => {
      if (String(chunk).includes('Ready to accept connections')) resolve()
    })
    server.on('error', reject)
    server.on('exit', (code) => reject(new Error(`redis-server ended with code ${code}`)))
  })
  return { url: `redis://127.0.0.1:${port}`, stop: () => void server.kill('SIGKILL') }
}

function isOnPath(command: string): boolean {
  return spawnSync(command, ['--version']).error === undefined
}

function install(): void {
  const tries =
    process.platform === 'darwin'
      ? [['brew', 'install', 'redis']]
      : [
          ['apt-get', 'update', '-qq'],
          ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'redis-server'],
        ]
  for (const [command, ...args] of tries)
    spawnSync(command as string, args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  if (!isOnPath('redis-server'))
    throw new Error(
      'the tests need Redis: install redis-server (apt-get install redis-server, brew install redis), or set REDIS_URL',
    )
}
