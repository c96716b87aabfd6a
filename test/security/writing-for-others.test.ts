// An ingester writes for the users, projects and hosts that its token names: what comes in for others is refused, record
// by record.
import { expect, test } from 'vitest'
import type { Scope } from '../../src/domain/scope.ts'
import type { IngestEntry, JournalEntry } from '../../src/ports/journal.ts'
import { createIngest, type Ingest } from '../../src/writing/ingest.ts'
import type { SubmittedRecord } from '../../src/writing/submission.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

const record = (more: Partial<SubmittedRecord> = {}): SubmittedRecord => ({
  sessionId: 's',
  project: 'shop',
  model: 'm',
  occurredAt: Date.UTC(2026, 3, 2),
  tokens: { input: 1n, output: 1n },
  host: 'laptop',
  ...more,
})

/** A way in with a journal in memory. */
function wayIn(): { ingest: Ingest; written: () => { user: string; project: string; host: string }[] } {
  const entries: JournalEntry[] = []
  const ingest = createIngest({
    journal: {
      async append(entry) {
        const place = { segment: 's', from: entries.length, to: entries.push(entry) }
        ingest.remember(entry as IngestEntry, place)
        return place
      },
    },
    whenStored: async () => true,
  })
  const written = () =>
    (entries as IngestEntry[]).flatMap(({ records }) =>
      records.map(({ user, project, host }) => ({ user, project, host })),
    )
  return { ingest, written }
}

const submit = (ingest: Ingest, scopes: readonly Scope[], records: SubmittedRecord[], idempotencyKey?: string) =>
  ingest.submit({ caller: 'mallory', scopes, idempotencyKey, records })

test('what is outside of the token is refused with its field, and the rest of the call is accepted', async () => {
  const { ingest, written } = wayIn()
  const answer = await submit(
    ingest,
    [{ users: ['mallory'], projects: ['shop'], hosts: ['laptop', 'tower'] }],
    [
      record(),
      record({ user: 'anna' }),
      record({ project: 'toys' }),
      record({ host: 'server' }),
      // without a host it is none that the token names
      record({ host: null }),
      record({ user: 'mallory', host: 'tower' }),
    ],
  )
  expect(answer).toMatchObject({ accepted: 2, rejectedCount: 4 })
  expect(answer.rejected.map(({ index, code, field }) => [index, code, field])).toEqual([
    [1, 'OUT_OF_SCOPE', 'user'],
    [2, 'OUT_OF_SCOPE', 'project'],
    [3, 'OUT_OF_SCOPE', 'host'],
    [4, 'OUT_OF_SCOPE', 'host'],
  ])
  for (const { message, field } of answer.rejected) expect(message).toContain(field)
  expect(written()).toEqual([
    { user: 'mallory', project: 'shop', host: 'laptop' },
    { user: 'mallory', project: 'shop', host: 'tower' },
  ])
})

test('the caller’s own name is no way past the token: a record without a user is the caller’s', async () => {
  const { ingest, written } = wayIn()
  const answer = await submit(ingest, [{ users: ['anna'] }], [record(), record({ user: 'anna' })])
  expect(answer).toMatchObject({ accepted: 1, rejected: [{ index: 0, code: 'OUT_OF_SCOPE', field: 'user' }] })
  expect(written()).toMatchObject([{ user: 'anna' }])
})

test('a token that may write nothing writes nothing, and nothing is journaled', async () => {
  const { ingest, written } = wayIn()
  expect(await submit(ingest, [], [record()], 'key')).toMatchObject({ accepted: 0, rejectedCount: 1, durability: null })
  expect(written()).toEqual([])
})

test('the same call is answered as the first time, and writes nothing more', async () => {
  const { ingest, written } = wayIn()
  const scopes = [{ users: ['mallory'] }]
  const records = [record(), record({ user: 'anna' })]
  const first = await submit(ingest, scopes, records, 'key')
  expect(first).toMatchObject({ accepted: 1, rejected: [{ index: 1, code: 'OUT_OF_SCOPE' }] })
  expect(await submit(ingest, scopes, records, 'key')).toEqual({ ...first, replayed: true })
  // also where the token may write for more by now
  const wider = await submit(ingest, [{}], records, 'key')
  expect(wider).toMatchObject({ accepted: 1, rejectedCount: 1, rejected: [{ index: 1 }], replayed: true })
  expect(written()).toHaveLength(1)
})

test('a token says for whom its bearer writes, whatever the records name', async () => {
  const server = await startServer(makeFolder())
  const records = [{ user: 'anna' }, { user: 'mallory' }, {}].map((more) => ({
    sessionId: 's',
    project: 'shop',
    model: 'm',
    occurredAt: '2026-04-02T09:15:03Z',
    tokens: { input: '5', output: '0' },
    ...more,
  }))
  const { data, errors } = await server.ask(
    `mutation ($input: IngestTokenRecordsInput!) {
      ingestTokenRecords(input: $input) { accepted rejected { index code field } } }`,
    { input: { records } },
    ['ingester'],
    { user: 'mallory', access: [{ users: ['mallory'] }] },
  )
  expect(errors).toBeUndefined()
  expect(data.ingestTokenRecords).toEqual({
    accepted: 2,
    rejected: [{ index: 0, code: 'OUT_OF_SCOPE', field: 'user' }],
  })
  const told = await server.ask('{ tokenMetrics { byUser { user tokens { total } } } }')
  expect(told.data.tokenMetrics.byUser).toEqual([{ user: 'mallory', tokens: { total: '10' } }])
})
