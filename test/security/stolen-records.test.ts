// An ingester cannot take away what another brought in: not as a larger copy, an earlier one, one of the main chain, nor
// by an identity that it computed.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { identityDigest, messageIdentity } from '../../src/domain/identity.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const INGEST = `mutation ($input: IngestTokenRecordsInput!) {
  ingestTokenRecords(input: $input) { accepted rejected { index code field message } }
}`
const ID = 'msg_01Anna'
const ANNAS = {
  sessionId: 'annas-session',
  project: 'shop',
  model: 'm',
  occurredAt: '2026-04-02T09:15:03Z',
  tokens: { input: '10', output: '0' },
  messageId: ID,
  sidechain: true,
}

async function bring(server: TestServer, user: string, records: object[]): Promise<void> {
  const { data, errors } = await server.ask(INGEST, { input: { records } }, ['ingester'], { user })
  expect(errors).toBeUndefined()
  expect(data.ingestTokenRecords).toEqual({ accepted: records.length, rejected: [] })
}

/** What is counted of whom, and how many copies conflict with it. */
async function counted(server: TestServer): Promise<{ tokens: Record<string, string>; conflicts: string }> {
  const { data, errors } = await server.ask(
    '{ tokenMetrics { byUser { user tokens { total } } quality { conflictingCopies } } }',
  )
  expect(errors).toBeUndefined()
  const { byUser, quality } = data.tokenMetrics
  const tokens = byUser.map((one: { user: string; tokens: { total: string } }) => [one.user, one.tokens.total])
  return { tokens: Object.fromEntries(tokens), conflicts: quality.conflictingCopies }
}

const THEFTS: [string, object, string][] = [
  ['a larger total', { tokens: { input: '999', output: '0' } }, '1'],
  ['an equal total and an earlier time', { occurredAt: '2020-01-01T00:00:00Z' }, '0'],
  ['a copy of the main chain without tokens', { tokens: { input: '0', output: '0' }, sidechain: false }, '1'],
  [
    'an identity that was computed',
    { messageId: null, identity: identityDigest(messageIdentity(ID)), tokens: { input: '999', output: '0' } },
    '1',
  ],
]

test.each(THEFTS)('%s takes no record away from whoever brought it in', async (_by, theft, conflicts) => {
  const server = await startServer(makeFolder())
  await bring(server, 'anna', [ANNAS])
  await bring(server, 'mallory', [{ ...ANNAS, ...theft, sessionId: 'mallorys-session' }])
  expect(await counted(server)).toEqual({ tokens: { anna: '10' }, conflicts })
  // what is Anna's own goes on growing
  await bring(server, 'anna', [{ ...ANNAS, tokens: { input: '12', output: '0' } }])
  expect((await counted(server)).tokens).toEqual({ anna: '12' })
})

test('whoever was first stays so after a restart, and that another sent the same message is told in the log and in a figure', async () => {
  const folder = makeFolder()
  const first = await startServer(folder)
  await bring(first, 'anna', [ANNAS])
  await bring(first, 'mallory', [{ ...ANNAS, tokens: { input: '999', output: '0' } }])
  await until('the line in the log', async () => (first.log().includes('conflicting copies') ? true : undefined))
  const metrics = async (server: TestServer) => {
    const headers = { authorization: `Bearer ${await server.token(['operator'])}` }
    return (await fetch(`${server.url}/metrics`, { headers })).text()
  }
  expect(await metrics(first)).toContain('token_bridge_conflicting_copies 1')
  await first.close()
  const second = await startServer(folder)
  await bring(second, 'mallory', [{ ...ANNAS, tokens: { input: '9999', output: '0' } }])
  expect(await counted(second)).toEqual({ tokens: { anna: '10' }, conflicts: '1' })
})

test('a transcript of this server counts before whatever came by mutation, which is told as a conflict', async () => {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line({ id: ID, usage: { input_tokens: 1, output_tokens: 2 } })] })
  const server = await startServer(folder)
  await bring(server, 'mallory', [{ ...ANNAS, tokens: { input: '999', output: '0' }, sidechain: false }])
  expect(await counted(server)).toEqual({ tokens: { ann: '3' }, conflicts: '1' })
})

test('short message ids belong to their user, and nobody can be there first by computing what an id comes to', async () => {
  const server = await startServer(makeFolder())
  const short = { ...ANNAS, messageId: 'chatcmpl', requestId: 'r1' }
  await bring(server, 'mallory', [
    { ...short, tokens: { input: '1', output: '0' } },
    // of the call that Anna is about to make, and of her next short id
    { ...ANNAS, messageId: null, identity: identityDigest('submitted:4:anna:3:key:0') },
    { ...ANNAS, messageId: null, identity: identityDigest('owned:4:anna:request:8:chatcmpl:r1') },
  ])
  await bring(server, 'anna', [short])
  const input = { idempotencyKey: 'key', records: [{ ...ANNAS, messageId: null, tokens: { input: '5', output: '0' } }] }
  const { data } = await server.ask(INGEST, { input }, ['ingester'], { user: 'anna' })
  expect(data.ingestTokenRecords.accepted).toBe(1)
  expect((await counted(server)).tokens).toEqual({ anna: '15', mallory: '1' })
})

test('whoever was first at one instance is so at every other one that reads the same journal', async () => {
  const folder = makeFolder()
  const start = (name: string) =>
    startServer(folder, {
      DATA_DIR: join(folder, name),
      JOURNAL_DIR: join(folder, 'journal'),
      JOURNAL_KEY: Buffer.alloc(32, 7).toString('base64'),
      AUTH_JWT_SECRET: 'a secret that all instances share, of enough bytes',
    })
  const [one, other] = [await start('one'), await start('other')]
  const messages = Array.from({ length: 6 }, (_, i) => ({ ...ANNAS, messageId: `msg_${i}` }))
  const thefts = messages.map((record) => ({ ...record, tokens: { input: '999', output: '0' }, sidechain: false }))
  // at either of them the theft comes after what it is of, which the other one has
  await bring(one, 'anna', messages.slice(0, 3))
  await bring(other, 'mallory', thefts.slice(0, 3))
  await bring(other, 'anna', messages.slice(3))
  await bring(one, 'mallory', thefts.slice(3))
  for (const server of [one, other]) expect(await counted(server)).toEqual({ tokens: { anna: '60' }, conflicts: '6' })
})
