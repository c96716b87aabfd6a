// Docker's printed commands, as they are printed, where there is an engine (or Podman under its name). It needs an image
// of Node, from this machine or a registry, and npm's registry for the build.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { get as getHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../scripts/free-port.ts'
import { signToken } from '../../src/access/tokens.ts'
import { post } from '../support/graphql-client.ts'
import { printedCommands } from '../support/printed-commands.ts'
import { line, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const HAS_ENGINE = spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 20_000 }).status === 0
const SECRET = 'a secret of the tests: at least thirty-two bytes'
/** Seconds for the build, which installs what the program needs. */
const BUILD_SECONDS = 900

const printed = printedCommands()
  .map(({ command }) => command)
  .filter((command) => command.startsWith('docker '))
const runs = printed.filter((command) => command.startsWith('docker run '))

/** Of this process alone: other images and volumes are left as they are. */
const name = `token-bridge-${process.pid}`
let home = ''

/** With names and places of this test in the place of the reader's, the secret that is left out, and one option more. */
const own = (command: string, port: number, container: string): string =>
  command
    .replace('docker run ', `docker run --name ${container} `)
    .replace(/-p (127\.0\.0\.1:)?4000:4000/, `-p 127.0.0.1:${port}:4000`)
    .replace('AUTH_JWT_SECRET=…', `'AUTH_JWT_SECRET=${SECRET}'`)
    .replace('/etc/bridge-tls', join(home, 'tls'))
    .replace('-v token-bridge:', `-v ${name}:`)
    .replace(/ token-bridge$/, ` ${name}`)

const isReady = (port: number, encrypted: boolean): Promise<true | undefined> =>
  new Promise((done) => {
    const options = { host: '127.0.0.1', port, path: '/health/ready', headers: { host: 'bridge.example' } }
    const asked = encrypted
      ? getHttps({ ...options, rejectUnauthorized: false })
      : get({ ...options, headers: { host: `127.0.0.1:${port}` } })
    asked.on('response', (response) => done(response.resume().statusCode === 200 || undefined))
    asked.on('error', () => done(undefined))
  })

async function start(command: string, port: number, container: string): Promise<ChildProcess> {
  const child = spawn('sh', ['-c', own(command, port, container)], { env: { ...process.env, HOME: home } })
  onTestFinished(() => void spawnSync('docker', ['rm', '--force', container], { stdio: 'ignore' }))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += chunk))
  await until('the container to be ready', async () => {
    if (child.exitCode !== null) throw new Error(said)
    return isReady(port, command.includes('TLS_CERT_FILE'))
  })
  return child
}

describe.skipIf(!HAS_ENGINE)('with Docker', () => {
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'token-bridge-docker-'))
    writeTranscripts(join(home, '.claude'), { 'p/a.jsonl': [line({ id: 'msg_1', session: 'a' })] })
    mkdirSync(join(home, 'tls'))
    for (const kind of ['cert', 'key'])
      copyFileSync(resolve(`test/fixtures/tls/first-${kind}.pem`), join(home, 'tls', `${kind}.pem`))
    const [build = ''] = printed
    expect(build).toBe('docker build -t token-bridge .')
    execFileSync('sh', ['-c', build.replace('token-bridge', name)], { timeout: BUILD_SECONDS * 1000, stdio: 'pipe' })
  }, BUILD_SECONDS * 1000)

  afterAll(() => {
    for (const args of [
      ['volume', 'rm', name],
      ['image', 'rm', name],
    ])
      spawnSync('docker', args, { stdio: 'ignore' })
    rmSync(home, { recursive: true, force: true })
  })

  test.each(runs)('%s', async (command) => {
    const port = await freePort()
    const container = `${name}-${port}`
    const child = await start(command, port, container)
    expect(execFileSync('docker', ['exec', container, 'id', '-u'], { encoding: 'utf8' })).toBe('1000\n')
    const ended = once(child, 'exit')
    execFileSync('docker', ['stop', container], { stdio: 'ignore' })
    expect(await ended).toEqual([0, null])
  })

  test('a container that was killed starts again on the same volume, with what it acknowledged', async () => {
    const [command = ''] = runs
    const token = await signToken(Buffer.from(SECRET), { userId: 'ann', roles: ['viewer', 'ingester'] }, 600, {})
    const record = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 100, output: 0 } }`
    const total = async (port: number) => {
      const { data } = await post(`http://127.0.0.1:${port}`, token, { query: '{ tokenMetrics { tokens { total } } }' })
      return Number(data.tokenMetrics.tokens.total)
    }
    const ports = [await freePort(), await freePort()] as const
    await start(command, ports[0], `${name}-killed`)
    const before = await total(ports[0])
    await post(`http://127.0.0.1:${ports[0]}`, token, {
      query: `mutation { ingestTokenRecords(input: { records: [${record}] }) { accepted } }`,
    })
    execFileSync('docker', ['kill', `${name}-killed`], { stdio: 'ignore' })
    await start(command, ports[1], `${name}-again`)
    expect(await total(ports[1])).toBe(before + 100)
  })
})
