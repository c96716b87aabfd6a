// What commands do on the server's machine without asking it is in its audit log all the same.
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run, start } from '../support/cli.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const auditOf = (folder: string): string => join(folder, '.token-bridge', 'audit')
const filesOf = (folder: string): string[] =>
  readdirSync(auditOf(folder))
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => join(auditOf(folder), name))
const commandsIn = (folder: string) =>
  filesOf(folder)
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter(({ action }) => action.startsWith('command '))
const serve = async (folder: string) => {
  const server = start(['serve'], folder, { PORT: '0', CLICKHOUSE_EMBEDDED: 'off' })
  await until('the server', () => server.stdout().includes('answers at') || undefined)
  return server
}
const TOKEN = [
  'token',
  '--user',
  'eve',
  '--roles',
  'viewer,operator',
  '--ttl',
  '15m',
  '--access',
  '[{"users":["eve"]}]',
]
const DETAIL = 'userId=eve roles=viewer,operator ttl=900s access=[{"users":["eve"]}]'

/** Runs what changes something, and returns what became of it. */
async function changeAll(folder: string, between: () => Promise<unknown> = async () => undefined) {
  const token = await run(TOKEN, folder)
  expect(token).toMatchObject({ code: 0, stderr: '' })
  expect(await run(['journal', 'rotate-key'], folder)).toMatchObject({ code: 0, stderr: '' })
  expect(await run(['isolate', '--reason', 'a "drill"'], folder)).toMatchObject({ code: 0, stderr: '' })
  await between()
  expect(await run(['rejoin'], folder)).toMatchObject({ code: 0, stderr: '' })
  return token.stdout.trim()
}
const expected = (more: object) => ({ outcome: 'ok', who: expect.any(String), hmac: expect.any(String), ...more })

describe('commands on the machine of a server', () => {
  test('that does not run write to its chain: made tokens, a rotated key, isolation and its end', async () => {
    const folder = makeFolder()
    const first = await serve(folder)
    first.signal('SIGKILL')
    await first.ended
    const token = await changeAll(folder)
    const from = 'command line'
    const entries = commandsIn(folder)
    expect(entries).toMatchObject([
      expected({ action: 'command token', from, detail: DETAIL }),
      expected({ action: 'command journal rotate-key', from, detail: expect.stringMatching(/^keyId=[0-9a-f]{16}$/) }),
      expected({ action: 'command isolate', from, detail: 'reason="a \\"drill\\""' }),
      expected({ action: 'command rejoin', from }),
    ])
    expect(JSON.stringify(entries)).not.toContain(token)
    expect(await run(['audit', 'verify'], folder)).toMatchObject({ code: 0, stderr: '' })
    const second = await serve(folder)
    expect((await run(['audit', 'list', '--action', 'command token'], folder)).stdout).toContain(DETAIL)
    second.signal('SIGTERM')
    await second.ended
    expect((await run(['audit', 'verify'], folder)).code).toBe(0)
  })

  test('that runs go through it, also while it is isolated', async () => {
    const folder = makeFolder()
    await serve(folder)
    await changeAll(folder, async () => expect((await run(TOKEN, folder)).code).toBe(0))
    const from = '127.0.0.1'
    expect(commandsIn(folder)).toMatchObject([
      expected({ action: 'command token', from, detail: DETAIL, request: expect.any(String) }),
      expected({ action: 'command journal rotate-key', from }),
      // isolation itself is a mutation
      expected({ action: 'command token', from, detail: DETAIL }),
    ])
    for (const action of ['isolate', 'rejoin', 'noteCommand'])
      expect((await run(['audit', 'list', '--action', `mutation ${action}`], folder)).stdout).toMatch(/ok/)
    expect((await run(['audit', 'verify'], folder)).code).toBe(0)
  })

  test('hand out no token that could not be noted', async () => {
    const folder = makeFolder()
    expect((await run(TOKEN, folder)).code).toBe(0)
    const odd = join(auditOf(folder), '000000000000009.jsonl')
    mkdirSync(odd)
    expect(await run(TOKEN, folder)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`${odd} is no file, and stands where one of the audit log is: move it away`),
    })
  })
})

test('damage of the audit log is acknowledged at the command line, with a server and without, and named for good', async () => {
  const folder = makeFolder()
  const cut = async () => {
    expect((await run(TOKEN, folder)).code).toBe(0)
    const [path] = filesOf(folder).slice(-1) as [string]
    const text = readFileSync(path, 'utf8')
    truncateSync(path, text.lastIndexOf('\n', text.length - 2) + 1)
  }
  await cut()
  expect((await run(['audit', 'verify'], folder)).stderr).toMatch(/the entry 1 is missing at the end: cut off/)
  await run(TOKEN, folder)
  const damaged = await run(['audit', 'verify'], folder)
  expect(damaged).toMatchObject({ code: 1, stderr: expect.stringMatching(/the entry 1 is missing before/) })
  const acknowledged = await run(['audit', 'verify', '--acknowledge'], folder)
  expect(acknowledged).toMatchObject({ code: 0, stderr: '' })
  expect(acknowledged.stdout).toMatch(
    /^acknowledged: the entry 1 is missing before .*\nthe audit log is whole, but for what is acknowledged: \d+ entries/,
  )
  expect((await run(['audit', 'verify'], folder)).stdout).toBe(acknowledged.stdout)
  await cut()
  await serve(folder)
  expect((await run(['health'], folder)).stdout).toMatch(/audit +DEGRADED +its head was at/)
  expect((await run(['audit', 'verify', '--acknowledge'], folder)).stdout).toMatch(
    /(acknowledged: .*\n){2}the audit log/,
  )
  expect((await run(['health'], folder)).stdout).toMatch(/audit +UP/)
  expect((await run(['audit', 'list', '--action', 'audit acknowledged'], folder)).stdout).toMatch(/127\.0\.0\.1/)
  writeFileSync(join(auditOf(folder), 'note.txt'), 'is none of its files')
  expect((await run(['audit', 'verify', '--json'], folder)).code).toBe(0)
})
