// What the audit log has of records that are not the caller's, of tokens, and of damage that somebody must look at.
import { readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const INGEST = 'mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted } }'
const record = (more: object = {}) => ({
  sessionId: 'annas-session',
  project: 'shop',
  model: 'm',
  occurredAt: '2026-04-02T09:15:03Z',
  tokens: { input: '10', output: '0' },
  messageId: 'msg_01Anna',
  ...more,
})
const auditOf = ({ folder }: TestServer): string => join(folder, 'data', 'audit')
const filesOf = (server: TestServer): string[] =>
  readdirSync(auditOf(server))
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => join(auditOf(server), name))
const entriesOf = (server: TestServer, who: string): Record<string, unknown>[] =>
  filesOf(server)
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text))
    .filter((entry) => entry.who === who && entry.action === 'mutation ingestTokenRecords')
/** What is on disk of a caller when the answer is there, without what is counted by the second. */
const noted = (server: TestServer, who: string) =>
  entriesOf(server, who).flatMap(({ detail }) => (detail === undefined ? [] : [detail]))
const bring = async (server: TestServer, user: string, records: object[], access?: { users: string[] }[]) => {
  const { errors } = await server.ask(INGEST, { input: { records } }, ['ingester'], { user, ...(access && { access }) })
  expect(errors).toBeUndefined()
}
const auditHealth = async (server: TestServer) => {
  const { data } = await server.ask('{ health { components { name state detail } } }', {}, ['operator'])
  return data.health.components.find(({ name }: { name: string }) => name === 'audit')
}

describe('a call with records of others', () => {
  test('has in its entry how many do not count, as another user brought them in, and how many it may not write', async () => {
    const server = await startServer(makeFolder())
    await bring(server, 'anna', [record()])
    expect(noted(server, 'anna')).toEqual(['accepted=1 rejected=0 replayed=false'])
    const stolen = record({ tokens: { input: '987654321', output: '0' }, sessionId: 'mallorys' })
    const fresh = record({ messageId: 'msg_02Mallory', sessionId: 'mallorys' })
    await bring(server, 'mallory', [stolen, fresh])
    // where the analysis has much to do it follows by itself
    await until('the conflict to be noted', () =>
      entriesOf(server, 'mallory').find(({ detail }) => String(detail).includes('conflicting=1')),
    )
    const outside = { ...fresh, messageId: 'msg_03', user: 'anna' }
    await bring(server, 'mallory', [outside, outside, stolen], [{ users: ['mallory'] }])
    await until('both kinds', () => noted(server, 'mallory').find((detail) => /outOfScope=2/.test(String(detail))))
    expect(noted(server, 'mallory').at(-1)).toMatch(
      /^accepted=1 rejected=2 outOfScope=2( conflicting=1)? replayed=false$/,
    )
    expect(JSON.stringify(entriesOf(server, 'mallory'))).not.toMatch(/msg_|shop|mallorys|987654321/)
  })

  test('conflicts with what a transcript says, too; what agrees, grows or is sent again does not', async () => {
    const folder = makeFolder()
    const usage = { input_tokens: 7, output_tokens: 3 }
    writeTranscripts(folder, { 'p/s.jsonl': [line({ id: 'msg_01File', usage })] })
    const server = await startServer(folder)
    const same = { input: '7', output: '3' }
    const ofFile = (tokens: object) => record({ messageId: 'msg_01File', requestId: 'req_1', tokens })
    await bring(server, 'ida', [record({ messageId: 'msg_02Ida' })])
    await bring(server, 'ida', [record({ messageId: 'msg_02Ida', tokens: { input: '12', output: '0' } })])
    await bring(server, 'ida', [ofFile(same)])
    await bring(server, 'eve', [ofFile({ input: '8', output: '3' })])
    await until('the conflict', () =>
      entriesOf(server, 'eve').find(({ detail }) => String(detail).includes('conflicting=1')),
    )
    expect(JSON.stringify(entriesOf(server, 'ida'))).not.toContain('conflicting')
  })

  test('of one caller without end has few entries, which say all of it', async () => {
    const server = await startServer(makeFolder())
    const calls = 300
    for (let at = 0; at < calls; at += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, i) => bring(server, 'flo', [record({ messageId: `msg_flo_${at + i}` })])),
      )
    await server.close()
    const entries = entriesOf(server, 'flo').filter(({ detail }) => detail !== undefined)
    expect(entries.length).toBeLessThan(200)
    const count = entries.reduce((sum, one) => sum + Number(one.count ?? 1), 0)
    expect(count).toBe(calls)
    const accepted = entries.reduce((sum, one) => sum + Number(/accepted=(\d+)/.exec(String(one.detail))?.[1]), 0)
    expect(accepted).toBe(calls)
  })
})

test('a machine token that is made is noted with what it may do, and never itself', async () => {
  const server = await startServer(makeFolder())
  const input = {
    userId: 'laptop',
    roles: ['viewer', 'ingester'],
    ttl: '2h',
    access: [{ projects: ['shop'] }, { users: ['a" roles=operator'] }],
  }
  const make =
    'mutation ($input: MachineTokenInput!) { createMachineToken(input: $input) { token machineToken { id } } }'
  const { data } = await server.ask(make, { input }, ['operator'], { user: 'olga' })
  const { token, machineToken } = data.createMachineToken
  const { data: read } = await server.ask(
    '{ auditEntries(action: "mutation createMachineToken") { edges { node { who detail } } } }',
    {},
    ['operator'],
  )
  expect(read.auditEntries.edges.map(({ node }: { node: object }) => node)).toEqual([
    {
      who: 'olga',
      detail: `id=${machineToken.id} userId=laptop roles=viewer,ingester ttl=7200s access=${JSON.stringify(input.access)}`,
    },
  ])
  const files = filesOf(server).map((path) => readFileSync(path, 'utf8'))
  expect(files.join('')).not.toContain(token)
})

test('a guard that is tripped and reset by hand is noted with who did it and why', async () => {
  const server = await startServer(makeFolder())
  const as = (user: string, mutation: string) => server.ask(`mutation { ${mutation} }`, {}, ['operator'], { user })
  expect((await as('olga', 'tripGuard(reason: "odd totals") { tripped }')).data.tripGuard.tripped).toBe(true)
  expect((await as('otto', 'resetGuard(reason: "it was a filter") { tripped }')).data.resetGuard.tripped).toBe(false)
  const { data } = await server.ask('{ auditEntries { edges { node { who action outcome detail } } } }', {}, [
    'operator',
  ])
  const ofGuard = data.auditEntries.edges
    .map(({ node }: { node: { action: string } }) => node)
    .filter(({ action }: { action: string }) => action.endsWith('Guard'))
  expect(ofGuard).toEqual([
    { who: 'otto', action: 'mutation resetGuard', outcome: 'ok', detail: 'reason=it was a filter' },
    { who: 'olga', action: 'mutation tripGuard', outcome: 'ok', detail: 'reason=odd totals' },
  ])
})

describe('damage of the audit log', () => {
  test('is in health at every start until an operator acknowledges it', async () => {
    const folder = makeFolder()
    const first = await startServer(folder)
    await first.ask('mutation { setSourcePreference(preference: LEGACY) { preference } }')
    await first.close()
    const [path] = filesOf(first) as [string]
    const text = readFileSync(path, 'utf8')
    truncateSync(path, text.lastIndexOf('\n', text.length - 2) + 1)
    for (let start = 0; start < 2; start++) {
      const server = await startServer(folder)
      expect(await auditHealth(server)).toMatchObject({
        state: 'DEGRADED',
        detail: expect.stringMatching(/^its head was at \d+, its files ended at \d+; head /),
      })
      expect(server.log()).toMatch(/the audit log is not whole, which nobody has acknowledged/)
      await server.close()
    }
    const server = await startServer(folder)
    const acknowledge = 'mutation { acknowledgeAuditDamage }'
    const denied = await server.ask(acknowledge, {}, ['viewer', 'ingester'])
    expect(denied.errors?.[0]?.extensions.code).toBe('FORBIDDEN')
    expect((await auditHealth(server)).state).toBe('DEGRADED')
    const { data } = await server.ask(acknowledge, {}, ['operator'], { user: 'olga' })
    expect(data.acknowledgeAuditDamage).toBe(1)
    expect((await auditHealth(server)).state).toBe('UP')
    await server.close()
    expect((await auditHealth(await startServer(folder))).state).toBe('UP')
  })

  test('that left nothing but its key is told', async () => {
    const folder = makeFolder()
    const first = await startServer(folder)
    expect((await auditHealth(first)).state).toBe('UP')
    await first.close()
    rmSync(auditOf(first), { recursive: true })
    expect(await auditHealth(await startServer(folder))).toMatchObject({
      state: 'DEGRADED',
      detail: expect.stringContaining('there was a key of before, and no entry'),
    })
  })
})

test('health says how many secrets there are, not that their whole text is taken as well', async () => {
  const [old, fresh] = ['o'.repeat(32), 'n'.repeat(32)]
  const server = await startServer(makeFolder(), { AUTH_JWT_SECRET: `${old},${fresh}` })
  const { data } = await server.ask('{ health { components { name detail } } }', {}, ['operator'])
  const access = data.health.components.find(({ name }: { name: string }) => name === 'access')
  expect(access.detail).toBe('secrets: 2, and their text as a whole, sets of keys: 0')
})
