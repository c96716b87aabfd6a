import { expect, test } from 'vitest'
import { BridgeError } from '../../../src/domain/errors.ts'
import { LIMITS } from '../../../src/domain/limits.ts'
import type { IngestEntry, JournalEntry } from '../../../src/ports/journal.ts'
import { createIngest, type Ingest } from '../../../src/writing/ingest.ts'

const tokens = { input: 1n, output: 1n, cacheCreation: 0n, cacheCreation1h: 0n, cacheRead: 0n }
const record = (model: string) => ({ occurredAt: Date.UTC(2026, 3, 2), model, sessionId: 's', project: 'p', tokens })

/** An ingest with a journal in memory. */
function ingestInto(entries: JournalEntry[], hasRoom = () => true, beforeAppend = () => {}): Ingest {
  const ingest = createIngest({
    journal: {
      async append(entry) {
        beforeAppend()
        const place = { segment: 's', from: entries.length, to: entries.push(entry) }
        ingest.remember(entry as IngestEntry, place)
        return place
      },
    },
    whenStored: async () => true,
    hasRoom,
  })
  return ingest
}

test('an ingester brings in so many different models and no more, also after a restart, and takes none from another', async () => {
  const entries: JournalEntry[] = []
  const most = LIMITS.modelsOfIngester.value
  const send = (ingest: Ingest, caller: string, models: string[], key?: string) =>
    ingest.submit({ caller, idempotencyKey: key, records: models.map(record) })
  const before = ingestInto(entries)
  const all = Array.from({ length: most }, (_, i) => `model ${i}`)
  expect(await send(before, 'ann', all.slice(0, most - 1))).toMatchObject({ accepted: most - 1 })
  const last = ['last', 'one more', 'last', 'model 0']
  expect(await send(before, 'ann', last, 'k')).toMatchObject({
    accepted: 3,
    rejected: [{ index: 1, code: 'too_many_models', field: 'model' }],
  })
  const after = ingestInto([...entries])
  entries.forEach((entry, i) => void after.remember(entry as IngestEntry, { segment: 's', from: i, to: i + 1 }))
  expect(await send(after, 'ann', ['one more', 'model 7'])).toMatchObject({ accepted: 1, rejectedCount: 1 })
  expect(await send(after, 'ann', last, 'k')).toMatchObject({
    accepted: 3,
    rejectedCount: 1,
    rejected: [{ index: 1, code: 'too_many_models', field: 'model' }],
    replayed: true,
  })
  expect(await send(after, 'bob', ['one more'])).toMatchObject({ accepted: 1 })
})

test('models that another instance, or a release without a bound, let in go on coming in, and no others', async () => {
  const entries: JournalEntry[] = []
  const send = (ingest: Ingest, ...models: string[]) =>
    ingest.submit({ caller: 'ann', idempotencyKey: undefined, records: models.map(record) })
  const names = (name: string) => Array.from({ length: 1000 }, (_, i) => `${name} ${i}`)
  await send(ingestInto(entries), ...names('one'))
  await send(ingestInto(entries), ...names('other'))
  const both = ingestInto([])
  entries.forEach((entry, i) => void both.remember(entry as IngestEntry, { segment: 's', from: i, to: i + 1 }))
  expect(await send(both, 'one 7', 'other 7', 'third')).toMatchObject({ accepted: 2, rejected: [{ index: 2 }] })
})

test('models of a call that could not be journaled are not counted as brought in', async () => {
  const entries: JournalEntry[] = []
  let isFull = true
  const ingest = ingestInto(
    entries,
    () => true,
    () => {
      if (isFull) throw new BridgeError('STORAGE_UNAVAILABLE', 'the disk is full')
    },
  )
  const send = (name: string) =>
    ingest.submit({
      caller: 'ann',
      idempotencyKey: undefined,
      records: Array.from({ length: 1000 }, (_, i) => record(`${name} ${i}`)),
    })
  await expect(send('lost')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  isFull = false
  expect(await send('kept')).toMatchObject({ accepted: 1000, rejectedCount: 0 })
  expect(await send('lost')).toMatchObject({ accepted: 0, rejectedCount: 1000 })
})

test('nothing is accepted, and told so, while too much waits to be counted', async () => {
  const entries: JournalEntry[] = []
  let hasRoom = false
  const ingest = ingestInto(entries, () => hasRoom)
  const send = () => ingest.submit({ caller: 'ann', idempotencyKey: 'k', records: [record('m')] })
  await expect(send()).rejects.toMatchObject({ code: 'OVERLOADED', retryable: true })
  expect(entries).toEqual([])
  hasRoom = true
  expect(await send()).toMatchObject({ accepted: 1, durability: 'STORED' })
})
