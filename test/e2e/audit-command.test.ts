import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run, start } from '../support/cli.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

describe('the audit log at the command line', () => {
  test('is listed, verified while a server runs and after it, against a head that was kept; exit code 1 where it was edited', async () => {
    const folder = makeFolder()
    expect(await run(['audit', 'verify'], folder)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/there is no audit log in/),
    })
    const server = start(['serve'], folder, { PORT: '0', CLICKHOUSE_EMBEDDED: 'off' })
    await until('the server', () => server.stdout().includes('answers at') || undefined)
    expect((await run(['revoke', '--user', 'eve', '--reason', 'left'], folder)).code).toBe(0)
    const listed = await run(['audit', 'list', '--action', 'mutation revokeAccess'], folder)
    expect(listed.stdout).toMatch(
      /^\S+Z {2}\S+ {2}127\.0\.0\.1 {2}mutation revokeAccess {2}ok {2}reason=left userId=eve\n$/,
    )
    const head = (await run(['audit', 'head'], folder)).stdout.trim()
    expect(head).toMatch(/^[0-9a-f]{16}:\d+:[0-9a-f]{64}$/)
    const verified = await run(['audit', 'verify', '--head', head], folder)
    expect(verified).toMatchObject({ code: 0, stderr: '' })
    expect(verified.stdout).toMatch(/^the audit log is whole: \d+ entries in 1 file\nhead /)
    expect((await run(['audit', 'verify', '--head', 'x'], folder)).code).toBe(2)
    server.signal('SIGKILL')
    await server.ended
    expect((await run(['audit', 'verify', '--head', head], folder)).code).toBe(0)
    const audit = join(folder, '.token-bridge', 'audit')
    const path = join(audit, readdirSync(audit).find((name) => name.endsWith('.jsonl')) as string)
    writeFileSync(path, readFileSync(path, 'utf8').replace('userId=eve', 'userId=eva'))
    const edited = await run(['audit', 'verify'], folder)
    expect(edited).toMatchObject({ code: 1, stdout: '' })
    expect(edited.stderr).toMatch(
      /^token-bridge: 0{15}\.jsonl, line \d+ \(position \d+\) is not what was written there\n$/,
    )
  })
})
