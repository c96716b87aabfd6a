// The arithmetic of zones beside Temporal's, which made every bucket before: slow, and right.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GRANULARITIES } from '../../../src/domain/time-buckets.ts'
import { canonicalTimeZone } from '../../../src/domain/time-zone.ts'
import { SLOT_MS } from '../../../src/domain/token-query.ts'
import { bucketSlots } from '../../support/bucketed.ts'
import { type Bucket, bucketSlots as byTemporal } from '../../support/time-buckets-oracle.ts'

const ODD_ZONES = [
  'UTC',
  'Europe/Berlin',
  'Europe/Dublin',
  'America/Sao_Paulo',
  'America/St_Johns',
  'America/Havana',
  'Africa/Casablanca',
  'Africa/El_Aaiun',
  'Africa/Monrovia',
  'Antarctica/Troll',
  'Asia/Beirut',
  'Asia/Gaza',
  'Asia/Kathmandu',
  'Asia/Pyongyang',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Chatham',
  'Pacific/Kiritimati',
  'Pacific/Kwajalein',
]
const END = Date.UTC(2262, 0, 1) / SLOT_MS
/** Moments when the clocks of these zones did odd things. */
const ODD_MOMENTS = [
  '2011-12-30T10:00Z', // Apia skips a day
  '1993-08-21T12:00Z', // Kwajalein skips one
  '1994-12-31T10:00Z', // Kiritimati skips one
  '2026-04-04T15:00Z', // Lord Howe, by half an hour
  '2026-10-03T15:30Z',
  '2018-11-04T03:00Z', // Sao Paulo has no midnight
  '2026-02-15T02:00Z', // Casablanca, for Ramadan
  '2015-08-14T15:00Z', // Pyongyang, by half an hour
  '1972-01-07T00:44Z', // Monrovia had seconds
].map((text) => Math.floor(Date.parse(text) / SLOT_MS))

const show = (
  slots: { start: number }[],
  granularity: (typeof GRANULARITIES)[number],
  zone: string,
  of: (
    ...question: Parameters<typeof byTemporal<{ start: number }>>
  ) => Iterable<Bucket<{ start: number }>> = bucketSlots,
) => Array.from(of(slots, granularity, zone), ({ start, label, slots: own }) => [start, label, own.length])

describe('the clocks of a zone', () => {
  test('are those of Temporal, in all years and around every odd change', () => {
    const anyTime = fc.integer({ min: 0, max: END - 1 })
    const nearOdd = fc
      .tuple(fc.constantFrom(...ODD_MOMENTS), fc.integer({ min: -400, max: 400 }))
      .map(([at, by]) => at + by)
    fc.assert(
      fc.property(
        fc.array(fc.oneof(anyTime, nearOdd), { maxLength: 30 }),
        fc.constantFrom(...ODD_ZONES),
        fc.constantFrom(...GRANULARITIES),
        (numbers, zone, granularity) => {
          const slots = [...new Set(numbers)].map((number) => ({ start: number * SLOT_MS }))
          expect(show(slots, granularity, zone)).toEqual(show(slots, granularity, zone, byTemporal))
        },
      ),
      { numRuns: 300 },
    )
  })

  test.each(ODD_ZONES)('of %s are those of Temporal in every slot of the days around odd changes', (zone) => {
    const slots = ODD_MOMENTS.flatMap((at) =>
      Array.from({ length: 400 }, (_, i) => ({ start: (at - 200 + i) * SLOT_MS })),
    )
    for (const granularity of GRANULARITIES) {
      const truth = show(slots, granularity, zone, byTemporal)
      expect(show(slots, granularity, zone)).toEqual(truth)
      expect(show(slots.toReversed(), granularity, zone), 'in another order').toEqual(truth)
    }
  })
})

describe('the name of a zone', () => {
  test('is one, whatever the case of its letters', () => {
    expect(canonicalTimeZone('eUROPE/bERLIN')).toBe('Europe/Berlin')
    expect(canonicalTimeZone('Asia/Kolkata')).toBe(canonicalTimeZone('Asia/Calcutta'))
    expect(canonicalTimeZone('Etc/UTC')).toBe('UTC')
  })
})
