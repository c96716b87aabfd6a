import { expect, test } from 'vitest'
import type { IngestEntry, JournalPlace } from '../../../src/ports/journal.ts'
import { createIngest } from '../../../src/writing/ingest.ts'
import { contentHash, hasContent, type SubmittedRecord } from '../../../src/writing/submission.ts'

const record = (more: Partial<SubmittedRecord> = {}): SubmittedRecord => ({
  sessionId: 's1',
  project: 'p',
  model: 'm1',
  occurredAt: Date.parse('2026-04-02T09:15:03.120Z'),
  tokens: { input: 1n, output: 2n, cacheCreation: null },
  messageId: 'msg_1',
  origin: { path: '/a.jsonl', offset: 7n },
  ...more,
})
/** Of that record, by the release whose hashes say no version. */
const HASH_1 = '42c433ac623f209cb7ae23c89d924bd330a1f25a4e12f1d77ee52baeee8b7a9f'
const PLACE: JournalPlace = { segment: '1-a', from: 0, to: 9 }

test('the content of a call is hashed with its version, the same however absent members are written', () => {
  const hash = contentHash([record()])
  expect(hash).toMatch(/^2:[0-9a-f]{64}$/)
  expect(contentHash([record({ user: null, host: undefined, tokens: { output: 2n, input: 1n } } as never)])).toBe(hash)
  expect(contentHash([record({ branch: 'main' } as never)])).not.toBe(hash)
  expect(contentHash([record({ tokens: { input: 1n, output: 3n } })])).not.toBe(hash)
  expect(contentHash([record(), record()])).not.toBe(hash)
})

test('a hash without a version is that of a release before, and is still told from another', () => {
  expect(contentHash([record()], 1)).toBe(HASH_1)
  expect(hasContent(HASH_1, [record()])).toBe(true)
  expect(hasContent(HASH_1, [record({ project: 'q' })])).toBe(false)
})

test('a call that a release before has acknowledged is no conflict when it comes again', async () => {
  const appended: unknown[] = []
  const ingest = createIngest({
    journal: {
      async append(entry) {
        appended.push(entry)
        return PLACE
      },
    },
    whenStored: async () => false,
  })
  const entry = { kind: 'ingest', at: 1, caller: 'ann', idempotencyKey: 'k', contentHash: HASH_1, refused: [] }
  ingest.remember({ ...entry, records: [{}] } as unknown as IngestEntry, PLACE)
  const call = { caller: 'ann', idempotencyKey: 'k' }
  expect(await ingest.submit({ ...call, records: [record()] })).toMatchObject({ accepted: 1, replayed: true })
  await expect(ingest.submit({ ...call, records: [record({ model: 'm2' })] })).rejects.toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
  })
  expect(appended).toEqual([])
})
