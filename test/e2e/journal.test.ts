import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run } from '../support/cli.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

/** A server that makes a token for somebody's machine, and ends. Returns for whom there were some before. */
async function keep(folder: string, userId: string): Promise<string[]> {
  const server = await startServer(folder)
  const { data } = await server.ask('{ machineTokens { userId } }', {}, ['operator'])
  const input = { userId, roles: ['viewer'], ttl: '1d' }
  const { errors } = await server.ask(
    'mutation ($input: MachineTokenInput!) { createMachineToken(input: $input) { token } }',
    { input },
    ['operator'],
  )
  expect(errors).toBeUndefined()
  await server.close()
  return (data as { machineTokens: { userId: string }[] }).machineTokens.map((token) => token.userId)
}

describe('token-bridge journal', () => {
  test('shows and checks the journal without a server, and rotates its key for the next start', async () => {
    const folder = makeFolder()
    const settings = { DATA_DIR: join(folder, 'data') }
    const journal = (...args: string[]) => run(['journal', ...args], folder, settings)
    expect(await journal('check')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/: 0 segments, 0 damaged places/),
    })
    expect((await journal('status')).stdout).toMatch(/\nnothing was written here yet: the first start /)
    expect(readdirSync(folder)).not.toContain('data')

    await keep(folder, 'ann')
    const { code, stdout } = await journal('rotate-key')
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^the new key is [0-9a-f]{16}: it is used from the next start/),
    ])
    const keys = readFileSync(join(folder, 'data', 'journal-key'), 'utf8')
      .trim()
      .split('\n')
    expect(keys).toHaveLength(2)
    for (const key of keys) expect(stdout).not.toContain(key)
    expect(await keep(folder, 'bob')).toEqual(['ann'])

    const status = await journal('status')
    expect(status).toMatchObject({ code: 0, stderr: '' })
    const [first, second, ...segments] = status.stdout.trim().split('\n')
    expect(first).toMatch(/: 2 entries with 0 records in 2 segments, [\d,]+ bytes$/)
    expect(second).toMatch(/^encrypts with the key [0-9a-f]{16}, decrypts with [0-9a-f]{16}, too$/)
    for (const segment of segments) expect(segment).toMatch(/ 1 entry .* key [0-9a-f]{16} {2}whole$/)

    const damaged = readdirSync(join(folder, 'data', 'journal')).find((name) => name.endsWith('.journal')) as string
    writeFileSync(join(folder, 'data', 'journal', damaged), 'x'.repeat(100))
    const checked = await journal('check')
    expect(checked.code).toBe(1)
    expect(checked.stdout).toMatch(/, bytes 0 to \d+: .+\n/)
    expect((await journal('status')).code).toBe(1)
    expect(JSON.parse((await journal('check', '--json')).stdout).damaged[0]).toMatchObject({ from: 0 })
  })

  test('rotates no key that is given, or that others write with', async () => {
    const folder = makeFolder()
    const settings = { DATA_DIR: join(folder, 'data') }
    const given = await run(['journal', 'rotate-key'], folder, { ...settings, JOURNAL_KEY: 'ab'.repeat(32) })
    expect(given).toMatchObject({ code: 1, stderr: expect.stringContaining('docs/runbooks/journal-key.md') })
    await keep(folder, 'ann')
    const before = readFileSync(join(folder, 'data', 'journal-key'))
    const acknowledged = join(folder, 'data', 'journal', 'acknowledged')
    mkdirSync(acknowledged, { recursive: true })
    writeFileSync(join(acknowledged, '0123456789ab'), '')
    const shared = await run(['journal', 'rotate-key'], folder, settings)
    expect(shared).toMatchObject({ code: 1, stderr: expect.stringContaining('0123456789ab') })
    expect(readFileSync(join(folder, 'data', 'journal-key'))).toEqual(before)
  })
})
