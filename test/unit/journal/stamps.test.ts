import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stampOf } from '../../../src/domain/stamp.ts'
import { createStamps } from '../../../src/journal/stamps.ts'
import type { IngestEntry, JournaledRecord } from '../../../src/ports/journal.ts'

const entry = (records: number, more: Partial<IngestEntry> = {}): IngestEntry => ({
  kind: 'ingest',
  at: 0,
  caller: 'ann',
  idempotencyKey: undefined,
  contentHash: '',
  records: Array.from({ length: records }, () => ({}) as JournaledRecord),
  refused: [],
  ...more,
})

test('a stamp is the clock’s, in microseconds, or one more than the largest that was given or read', () => {
  let now = 1_000
  const stamps = createStamps(() => now)
  expect(stamps.stamped(entry(3)).stamp).toBe(1_000_000)
  // the first call had three records
  expect(stamps.stamped(entry(1)).stamp).toBe(1_000_003)
  now = 1_001
  expect(stamps.stamped(entry(1)).stamp).toBe(1_001_000)
  // another instance, whose clock is ahead
  stamps.learn(entry(2, { stamp: 5_000_000 }))
  expect(stamps.stamped(entry(1)).stamp).toBe(5_000_002)
  now = 10
  expect(stamps.stamped(entry(1)).stamp).toBe(5_000_003)
})

test('an entry of an earlier release has its stamp from when it was made', () => {
  expect(stampOf({ at: 1_775_000_000_123 })).toBe(1_775_000_000_123_000)
  expect(Number.isSafeInteger(stampOf({ at: Date.UTC(2200, 0) }))).toBe(true)
  const stamps = createStamps(() => 0)
  stamps.learn(entry(2, { at: 7 }))
  expect(stamps.stamped(entry(1)).stamp).toBe(7_002)
})

test('a clock that is centuries ahead, here or elsewhere, leaves stamps that are told apart', () => {
  const later = Date.UTC(2300, 0)
  const mad = createStamps(() => later)
  const first = mad.stamped(entry(1))
  expect(Number.isSafeInteger(first.stamp)).toBe(true)
  for (const read of [first, entry(1, { stamp: later * 1000 })]) {
    const sane = createStamps()
    sane.learn(read)
    const [one, other] = [sane.stamped(entry(2)).stamp as number, sane.stamped(entry(1)).stamp as number]
    expect(other).toBeGreaterThanOrEqual(one + 2)
    expect(Number.isSafeInteger(other)).toBe(true)
  }
})

test('no two records have the same stamp, whatever the clock does and whatever is read', () => {
  const anyEvent = fc.record({ clock: fc.nat({ max: 5 }), records: fc.integer({ min: 1, max: 3 }), read: fc.boolean() })
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
      let now = 0
      const stamps = createStamps(() => now)
      let last = -1
      for (const { clock, records, read } of events) {
        now = clock
        if (read) {
          // of another instance, which had not read ours
          stamps.learn(entry(records, { stamp: clock * 1000 + records }))
          continue
        }
        const { stamp } = stamps.stamped(entry(records))
        expect(stamp).toBeGreaterThan(last)
        expect(stamp).toBeGreaterThanOrEqual(clock * 1000)
        last = (stamp as number) + records - 1
      }
    }),
  )
})
