// An operator's token was stolen, and the bridge is isolated because of it: whoever has it must not end that.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run } from '../support/cli.ts'
import { post } from '../support/graphql-client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const SECRET = 'a secret that all instances have in common'
const REJOIN = { query: 'mutation { rejoin { isolated } }' }
const operate = async (server: TestServer, query: string) => {
  const { data, errors } = await server.ask(query, {}, ['operator'], { user: 'olga' })
  if (errors !== undefined) throw new Error(errors[0]?.message)
  return data
}
const codeOf = async ({ url }: TestServer, token: string, body: { query: string }): Promise<string | undefined> =>
  (await post(url, token, body)).errors?.[0]?.extensions.code
const make = async (server: TestServer) =>
  (
    await operate(
      server,
      'mutation { createMachineToken(input: { userId: "thief", roles: ["operator"] }) { token machineToken { id } } }',
    )
  ).createMachineToken
const isolate = (server: TestServer) => operate(server, 'mutation { isolate(reason: "a theft") { isolated } }')

function settingsIn(folder: string, name: string): Record<string, string> {
  const data = join(folder, name)
  mkdirSync(data, { mode: 0o700, recursive: true })
  writeFileSync(join(data, 'journal-key'), `${Buffer.alloc(32, 7).toString('hex')}\n`, { mode: 0o600 })
  return { DATA_DIR: data, JOURNAL_DIR: join(folder, 'journal'), AUTH_JWT_SECRET: SECRET }
}

describe('an isolated bridge', () => {
  test('takes tokens away, on every instance and over a start: who has them ends no isolation', async () => {
    const folder = makeFolder()
    const first = await startServer(folder, settingsIn(folder, 'first'))
    const second = await startServer(folder, settingsIn(folder, 'second'))
    const [machine, user] = [await make(first), await first.token(['operator'], 'mallory')]
    for (const server of [first, second]) {
      for (const token of [machine.token, user])
        await until('it to be good', async () =>
          (await codeOf(server, token, REJOIN)) === undefined ? true : undefined,
        )
      await isolate(server)
    }
    await operate(first, `mutation { revokeAccess(tokenId: "${machine.machineToken.id}", reason: "stolen") }`)
    await operate(first, 'mutation { revokeAccess(userId: "mallory", reason: "stolen") }')
    for (const token of [machine.token, user]) {
      expect(await codeOf(first, token, REJOIN)).toBe('UNAUTHENTICATED')
      await until('the other', async () => (await codeOf(second, token, REJOIN)) === 'UNAUTHENTICATED' || undefined)
    }
    await first.close()
    const again = await startServer(folder, settingsIn(folder, 'first'))
    for (const token of [machine.token, user]) expect(await codeOf(again, token, REJOIN)).toBe('UNAUTHENTICATED')
    // all else that has to do with tokens waits
    expect(await codeOf(again, await again.token(['operator'], 'olga'), { query: '{ machineTokens { id } }' })).toBe(
      'ISOLATED',
    )
    await expect(make(again)).rejects.toThrow('isolated')
    expect((await operate(again, 'mutation { rejoin { isolated } }')).rejoin.isolated).toBe(false)
  })

  test('that does not run, takes tokens away at its next start: the command needs no server', async () => {
    const folder = makeFolder()
    const settings = settingsIn(folder, 'first')
    const first = await startServer(folder, settings)
    const { token, machineToken } = await make(first)
    const user = await first.token(['operator'], 'mallory')
    await isolate(first)
    await first.close()
    for (const [target, name] of [
      ['--id', machineToken.id],
      ['--user', 'mallory'],
    ] as const) {
      const revoked = await run(['revoke', target, name, '--reason', 'stolen'], folder, settings)
      expect(revoked).toMatchObject({
        code: 0,
        stderr: '',
        stdout: expect.stringMatching(/^no server answers: .*revoked/),
      })
    }
    const wrong = await run(['revoke', '--user', 'a\u202eb', '--reason', 'stolen'], folder, settings)
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--user') })
    const again = await startServer(folder, settings)
    for (const one of [token, user]) expect(await codeOf(again, one, REJOIN)).toBe('UNAUTHENTICATED')
    await operate(again, 'mutation { rejoin { isolated } }')
    const { auditEntries } = await operate(
      again,
      '{ auditEntries(action: "mutation revokeAccess") { edges { node { detail outcome } } } }',
    )
    expect(auditEntries.edges.map(({ node }: { node: { detail: string } }) => node.detail)).toEqual([
      'userId=mallory reason=stolen',
      `tokenId=${machineToken.id} reason=stolen`,
    ])
  })

  test('whose server is there, and does not answer, is left alone: two would write to its journal', async () => {
    const folder = makeFolder()
    const settings = settingsIn(folder, 'first')
    await startServer(folder, settings)
    writeFileSync(join(folder, 'first', 'server.json'), '{}')
    const revoked = await run(['revoke', '--user', 'mallory', '--reason', 'stolen'], folder, settings)
    expect(revoked).toMatchObject({ code: 1, stderr: expect.stringContaining('a server has the data folder') })
  })
})
