import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openJournal } from '../../src/journal/journal.ts'
import { loadJournalKey } from '../../src/journal/key-file.ts'
import type { IngestEntry, JournalEntry } from '../../src/ports/journal.ts'
import { createIngest, type Ingest } from '../../src/writing/ingest.ts'
import { recordsOf } from '../../src/writing/journaled-copies.ts'
import { createRememberedCalls } from '../../src/writing/remembered-calls.ts'
import { contentHash } from '../../src/writing/submission.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { analysisOf, makeFolder, wholeOf } from '../support/transcripts.ts'

const INGEST = `mutation ($input: IngestTokenRecordsInput!) {
  ingestTokenRecords(input: $input) { accepted rejectedCount rejected { index code field message } replayed }
}`
const valid = (more: object = {}) => ({
  sessionId: 's',
  project: 'p',
  model: 'm',
  occurredAt: '2026-04-02T09:15:03Z',
  tokens: { input: '1', output: '0' },
  ...more,
})
const LONG = 'x'.repeat(300)
/** Wrong in every field that it has. */
const wrong = {
  sessionId: '',
  project: '\x01',
  model: '\x7f',
  occurredAt: 'x',
  tokens: { input: '-1', output: 'x', cacheRead: '1.5', cacheCreation: '-1', cacheCreation1h: 'x' },
  messageId: '\x01',
  requestId: '\x01',
  user: '\u202e',
  host: '\u2028',
}
const flood = [valid(), ...Array.from({ length: 999 }, () => wrong)]

const ingest = async (server: TestServer, records: object[], idempotencyKey: string) => {
  const { data, errors } = await server.ask(INGEST, { input: { records, idempotencyKey } }, ['ingester'])
  expect(errors).toBeUndefined()
  return data.ingestTokenRecords
}

const bytesIn = (folder: string): number =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.journal'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)

describe('calls full of mistakes', () => {
  test('cost the journal what they bring in, not what is wrong with it; the answer still names every refused record', async () => {
    const folder = makeFolder()
    const server = await startServer(folder)
    const answer = await ingest(server, flood, 'key-0')
    expect(answer).toMatchObject({ accepted: 1, rejectedCount: 999, replayed: false })
    const told: { index: number; message: string }[] = answer.rejected
    expect([...new Set(told.map(({ index }) => index))]).toEqual(Array.from({ length: 999 }, (_, i) => i + 1))
    // a hundred in full, then one for each record
    expect(told.length).toBeLessThan(1100)
    expect(told.filter(({ index }) => index === 1).length).toBeGreaterThan(5)
    for (const { message } of told) expect(message.length).toBeLessThan(150)
    for (let call = 1; call < 20; call++) await ingest(server, flood, `key-${call}`)
    expect(bytesIn(join(folder, 'data', 'journal')) / 20).toBeLessThan(6000)
  })

  test('are answered as the first time under the same key, also after a restart', async () => {
    const folder = makeFolder()
    const first = await startServer(folder)
    const records = [valid(), wrong, valid({ messageId: 'msg_1' }), { ...wrong, project: 'p' }]
    const { replayed: _, ...answer } = await ingest(first, records, 'key')
    expect(answer).toMatchObject({ accepted: 2, rejectedCount: 2 })
    expect(await ingest(first, records, 'key')).toEqual({ ...answer, replayed: true })
    await first.close()
    const second = await startServer(folder)
    expect(await ingest(second, records, 'key')).toEqual({ ...answer, replayed: true })
  })

  test('a call in which everything is wrong is not journaled', async () => {
    const folder = makeFolder()
    const server = await startServer(folder)
    expect(await ingest(server, flood.slice(1), 'key')).toMatchObject({ accepted: 0, rejectedCount: 999 })
    expect(bytesIn(join(folder, 'data', 'journal'))).toBe(0)
  })
})

describe('what is remembered of calls', () => {
  const place = (i: number) => ({ segment: '001795474349886-f2744744', from: i, to: i + 1 })
  const entry = (key: string, more: Partial<IngestEntry> = {}): IngestEntry => ({
    kind: 'ingest',
    at: 0,
    caller: 'ann',
    idempotencyKey: key,
    contentHash: 'f'.repeat(64),
    records: [],
    refused: [],
    ...more,
  })

  test('is bounded by bytes, whatever the calls were', () => {
    const calls = createRememberedCalls(1 << 20)
    const refused = Array.from({ length: 999 }, (_, i) => i + 1)
    for (let i = 0; i < 2000; i++) calls.remember(entry(`key-${i}`, { refused }), place(i))
    expect(calls.bytes()).toBeGreaterThan(900_000)
    expect(calls.bytes()).toBeLessThanOrEqual(1 << 20)
    expect(calls.find('ann', 'key-0')).toBeUndefined()
    expect(calls.find('ann', 'key-1999')).toMatchObject({ refused, place: place(1999) })
    // a call without mistakes takes little
    for (let i = 0; i < 2000; i++) calls.remember(entry(`small-${i}`), place(i))
    expect(calls.find('ann', 'small-0')).toBeDefined()
  })

  test('of one caller is not driven out by the calls of another', () => {
    const calls = createRememberedCalls(1 << 20)
    for (let i = 0; i < 100; i++) calls.remember(entry(`job-${i}`), place(i))
    for (let i = 0; i < 20_000; i++) calls.remember(entry(`key-${i}`, { caller: 'mallory' }), place(i))
    for (let i = 0; i < 100; i++) expect(calls.find('ann', `job-${i}`)).toMatchObject({ place: place(i) })
    expect(calls.find('mallory', 'key-0')).toBeUndefined()
    expect(calls.find('mallory', 'key-19999')).toBeDefined()
    // what comes while the flood goes on is remembered as well
    calls.remember(entry('late', { caller: 'bob' }), place(0))
    for (let i = 0; i < 5000; i++) calls.remember(entry(`more-${i}`, { caller: 'mallory' }), place(i))
    expect(calls.find('bob', 'late')).toBeDefined()
    expect(calls.bytes()).toBeLessThanOrEqual(1 << 20)
  })

  test('of many callers takes no more than of one, and nothing where there is no room', () => {
    const calls = createRememberedCalls(1 << 20)
    for (let i = 0; i < 2000; i++) calls.remember(entry('key', { caller: `caller-${i}` }), place(i))
    expect(calls.bytes()).toBeGreaterThan(900_000)
    expect(calls.bytes()).toBeLessThanOrEqual(1 << 20)
    const none = createRememberedCalls(100)
    none.remember(entry('key'), place(0))
    expect(none.find('ann', 'key')).toBeUndefined()
    expect(none.bytes()).toBe(0)
  })

  test('of an entry that a release before wrote with all its mistakes, only which records they were in', () => {
    const calls = createRememberedCalls(1 << 20)
    const mistakes = Array.from({ length: 999 * 6 }, (_, i) => ({
      index: 1 + Math.floor(i / 6),
      code: 'invalid_text' as const,
      field: 'model',
      message: LONG,
    }))
    const { refused: _, ...old } = entry('key')
    calls.remember({ ...old, rejected: mistakes } as unknown as IngestEntry, place(0))
    expect(calls.find('ann', 'key')?.refused).toEqual(Array.from({ length: 999 }, (_, i) => i + 1))
    expect(calls.bytes()).toBeLessThan(12_000)
  })

  test('a record that the rules of then refused is told so, whatever the rules of now', async () => {
    const ingest = createIngest({ journal: { append: () => Promise.reject() }, whenStored: async () => true })
    const records = [{ ...valid(), occurredAt: 0, tokens: { input: 1n, output: 0n } }]
    ingest.remember(entry('key', { contentHash: contentHash(records), refused: [0] }), place(0))
    expect(await ingest.submit({ caller: 'ann', idempotencyKey: 'key', records })).toMatchObject({
      accepted: 0,
      rejectedCount: 1,
      rejected: [{ index: 0, code: 'invalid_text', field: '', message: expect.stringContaining('refused') }],
      durability: 'STORED',
      replayed: true,
    })
  })

  test('a key that was forgotten counts nothing twice: neither the same records nor others', async () => {
    const folder = makeFolder()
    mkdirSync(join(folder, 'projects'))
    const analysis = analysisOf(folder)
    await analysis.refresh()
    const entries: JournalEntry[] = []
    const journal = openJournal({
      folder: join(folder, 'journal'),
      key: loadJournalKey(folder, join(folder, 'journal')),
      instance: '0123456789ab',
      headsPath: join(folder, 'journal-heads'),
      followIntervalMs: 60_000,
      listener: {
        entry(entry, at) {
          entries.push(entry)
          if (entry.kind !== 'ingest') return
          forgetful.remember(entry, at)
          analysis.addJournaled({ segment: at.segment, to: at.to, records: recordsOf(entry, at.segment, at.from) })
        },
        unreadable: () => undefined,
      },
    })
    await journal.whenRead()
    onTestFinished(() => journal.close())
    // it has room for one call
    const forgetful: Ingest = createIngest({ journal, whenStored: async () => false, maxRememberedBytes: 2700 })
    const submit = (key: string, input: bigint, more: object = {}) =>
      forgetful.submit({
        caller: 'ann',
        idempotencyKey: key,
        records: [{ ...valid(), occurredAt: 1_775_000_000_000, tokens: { input, output: 0n }, ...more }],
      })
    expect(await submit('a', 10n)).toMatchObject({ accepted: 1, replayed: false })
    expect(await submit('a', 10n)).toMatchObject({ accepted: 1, replayed: true })
    await expect(submit('a', 11n)).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
    await submit('b', 100n)
    expect(await submit('a', 10n)).toMatchObject({ accepted: 1, replayed: false })
    expect(entries).toHaveLength(3)
    expect(wholeOf(analysis)).toMatchObject({ input: 110, records: 2 })
    await submit('b', 100n)
    // other content under a forgotten key is the same record once more: the larger one counts
    await submit('a', 12n)
    expect(wholeOf(analysis)).toMatchObject({ input: 112, records: 2 })
  })
})
