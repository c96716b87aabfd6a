import { execFile, spawn } from 'node:child_process'
import { readdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)

/** What `npm pack` makes, unpacked, beside the dependencies that an installation brings. */
async function unpacked(): Promise<string> {
  const folder = makeFolder()
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder])
  const [archive] = readdirSync(folder)
  await run('tar', ['-xzf', archive as string], { cwd: folder })
  const installed = join(folder, 'package')
  symlinkSync(resolve('node_modules'), join(installed, 'node_modules'))
  return installed
}

test('what npm packs counts transcripts and serves, in a folder that has nothing else', async () => {
  const bin = join(await unpacked(), 'bin', 'token-bridge.js')
  const home = makeFolder()
  writeTranscripts(home, { 'p/a.jsonl': line({ id: 'msg_1', usage: { output_tokens: 50 } }) })
  const env = { PATH: process.env.PATH, HOME: home, PORT: '0', TRANSCRIPTS_DIR: join(home, 'projects') }
  // without npm, as docs/command-line.md says
  expect((await run(process.execPath, [bin, '--version'], { cwd: home, env })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  const { stdout } = await run(process.execPath, [bin, 'analyze', '--json'], { cwd: home, env })
  expect(JSON.parse(stdout).recordCount).toBe('1')

  const server = spawn(process.execPath, [bin, 'serve'], { cwd: home, env })
  onTestFinished(() => void server.kill('SIGKILL'))
  let said = ''
  server.stdout.on('data', (chunk) => (said += chunk))
  const url = await until('the server to say where it answers', () => /answers at (http:\S+)\/graphql/.exec(said)?.[1])
  expect((await fetch(`${url}/health/live`)).status).toBe(200)
  // the package has the operations that the CLI asks by, the flags and the schema
  const { stdout: health } = await run(process.execPath, [bin, 'health'], { cwd: home, env })
  expect(health).toMatch(/^\S+ +UP\b/m)
})
