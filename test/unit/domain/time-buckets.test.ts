import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bucketStarts,
  bucketsBetween,
  GRANULARITIES,
  isTimeZone,
  parseMoment,
} from '../../../src/domain/time-buckets.ts'
import { SLOT_MS } from '../../../src/domain/token-query.ts'
import { bucketSlots } from '../../support/bucketed.ts'

const at = (iso: string) => ({ start: Date.parse(iso) })
const labels = (isos: string[], granularity: (typeof GRANULARITIES)[number], zone: string) =>
  bucketSlots(isos.map(at), granularity, zone).map(({ label, start, slots }) => [
    label,
    new Date(start).toISOString().replace(':00.000Z', 'Z'),
    slots.length,
  ])

describe('time buckets', () => {
  test('a day belongs to a time zone', () => {
    const isos = ['2026-04-01T21:45:00Z', '2026-04-01T22:00:00Z', '2026-04-02T21:45:00Z']
    expect(labels(isos, 'DAY', 'Europe/Berlin')).toEqual([
      ['2026-04-01', '2026-03-31T22:00Z', 1],
      ['2026-04-02', '2026-04-01T22:00Z', 2],
    ])
    expect(labels(isos, 'DAY', 'UTC').map(([label]) => label)).toEqual(['2026-04-01', '2026-04-02'])
  })

  test('days of 23 and 25 hours are what they are', () => {
    expect(
      labels(['2026-03-28T23:00:00Z', '2026-03-29T21:45:00Z', '2026-03-29T22:00:00Z'], 'DAY', 'Europe/Berlin'),
    ).toEqual([
      ['2026-03-29', '2026-03-28T23:00Z', 2],
      ['2026-03-30', '2026-03-29T22:00Z', 1],
    ])
    expect(
      labels(['2026-10-24T22:00:00Z', '2026-10-25T22:45:00Z', '2026-10-25T23:00:00Z'], 'DAY', 'Europe/Berlin'),
    ).toEqual([
      ['2026-10-25', '2026-10-24T22:00Z', 2],
      ['2026-10-26', '2026-10-25T23:00Z', 1],
    ])
  })

  test('an hour that comes twice is two buckets, told apart by its offset', () => {
    expect(labels(['2026-10-25T00:15:00Z', '2026-10-25T01:15:00Z'], 'HOUR', 'Europe/Berlin')).toEqual([
      ['2026-10-25T02:00+02:00', '2026-10-25T00:00Z', 1],
      ['2026-10-25T02:00+01:00', '2026-10-25T01:00Z', 1],
    ])
  })

  test('hours of a zone with an offset of 45 minutes begin at its own full hours', () => {
    expect(labels(['2026-04-01T00:00:00Z', '2026-04-01T00:15:00Z'], 'HOUR', 'Asia/Kathmandu')).toEqual([
      ['2026-04-01T05:00+05:45', '2026-03-31T23:15Z', 1],
      ['2026-04-01T06:00+05:45', '2026-04-01T00:15Z', 1],
    ])
  })

  test('a day without a midnight begins at its first moment', () => {
    expect(labels(['2018-11-04T03:00:00Z'], 'DAY', 'America/Sao_Paulo')).toEqual([
      ['2018-11-04', '2018-11-04T03:00Z', 1],
    ])
  })

  test('weeks are those of ISO 8601, also over the turn of the year', () => {
    expect(labels(['2026-12-28T00:00:00Z', '2027-01-03T23:45:00Z', '2027-01-04T00:00:00Z'], 'WEEK', 'UTC')).toEqual([
      ['2026-W53', '2026-12-28T00:00Z', 2],
      ['2027-W01', '2027-01-04T00:00Z', 1],
    ])
  })

  test('months have their own lengths', () => {
    expect(labels(['2024-02-29T23:45:00Z', '2024-03-01T00:00:00Z'], 'MONTH', 'UTC')).toEqual([
      ['2024-02', '2024-02-01T00:00Z', 1],
      ['2024-03', '2024-03-01T00:00Z', 1],
    ])
  })

  test('every slot is in exactly one bucket, whatever the order, zone and granularity', () => {
    const zones = ['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/St_Johns', 'Pacific/Apia']
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 40_000 * 50, max: 40_000 * 60 }), { maxLength: 60 }),
        fc.constantFrom(...zones),
        fc.constantFrom(...GRANULARITIES),
        (numbers, zone, granularity) => {
          const slots = [...new Set(numbers)].map((number) => ({ start: number * SLOT_MS }))
          const buckets = bucketSlots(slots, granularity, zone)
          expect(buckets.flatMap((bucket) => bucket.slots).length).toBe(slots.length)
          expect(new Set(buckets.map(({ start }) => start)).size).toBe(buckets.length)
          for (const { start, slots: own } of buckets)
            for (const slot of own) expect(slot.start).toBeGreaterThanOrEqual(start)
          const reversed = bucketSlots(slots.toReversed(), granularity, zone)
          expect(reversed.map((bucket) => ({ ...bucket, slots: bucket.slots.toReversed() }))).toEqual(buckets)
        },
      ),
    )
  })

  test('all of a range follow each other, with those in which nothing happened', () => {
    const zones = ['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/St_Johns', 'Pacific/Apia']
    // the ends of 2011, when Apia skipped a day, and days on which clocks change
    const anchors = ['2011-12-28T00:00Z', '2026-03-28T00:00Z', '2026-04-04T00:00Z', '2026-10-24T00:00Z']
    fc.assert(
      fc.property(
        fc.constantFrom(...anchors.map((text) => Date.parse(text))),
        fc.nat({ max: 400 }),
        fc.nat({ max: 400 }),
        fc.constantFrom(...zones),
        fc.constantFrom(...GRANULARITIES),
        (anchor, before, length, timeZone, granularity) => {
          const from = anchor + before * SLOT_MS
          const last = from + length * SLOT_MS
          const startOf = bucketStarts({ granularity, timeZone })
          const slots = Array.from({ length: length + 1 }, (_, i) => startOf(from + i * SLOT_MS))
          expect([...bucketsBetween(from, last, { granularity, timeZone })]).toEqual([...new Set(slots)])
        },
      ),
    )
  })
})

describe('a time zone', () => {
  test.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires'])('%s is known', (zone) => {
    expect(isTimeZone(zone)).toBe(true)
  })
  test.each(['', 'Mars/Olympus', '+02:00', 'Europe/Berlin;DROP'])('"%s" is refused', (zone) => {
    expect(isTimeZone(zone)).toBe(false)
  })
})

describe('a moment', () => {
  test('is a timestamp, or a date as its first moment in the zone', () => {
    expect(parseMoment('2026-04-02T09:15:03Z', 'UTC')).toBe(Date.parse('2026-04-02T09:15:03Z'))
    expect(parseMoment('2026-04-02', 'Europe/Berlin')).toBe(Date.parse('2026-04-01T22:00:00Z'))
  })
  test.each(['2026-02-30', 'yesterday', '2026-4-2', '1969-01-01'])('"%s" is refused', (text) => {
    expect(parseMoment(text, 'UTC')).toBeUndefined()
  })
})
