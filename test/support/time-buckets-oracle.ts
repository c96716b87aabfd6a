// How buckets were made before time-zone.ts: by Temporal, slow and right. What time-buckets.ts says is held against it.
import { Temporal } from 'temporal-polyfill'
import type { Granularity } from '../../src/domain/time-buckets.ts'

export interface Bucket<Slot> {
  /** Milliseconds since 1970. */
  start: number
  /** `2026-04-02T09:00+02:00`, `2026-04-02`, `2026-W14` (ISO 8601) or `2026-04`. */
  label: string
  slots: Slot[]
}

/**
 * Puts slots of time into the hours, days, ISO weeks or months of a time zone; empty ones are left out,
 * the earliest comes first. Days of 23 and 25 hours, and an hour that comes twice, are what they are.
 */
export function bucketSlots<Slot extends { start: number }>(
  slots: readonly Slot[],
  granularity: Granularity,
  timeZone: string,
): Bucket<Slot>[] {
  const buckets = new Map<number, Bucket<Slot>>()
  for (const slot of slots.toSorted((a, b) => a.start - b.start)) {
    const first = startOf(slot.start, granularity, timeZone)
    const start = first.epochMilliseconds
    const bucket = buckets.get(start) ?? { start, label: labelOf(first, granularity), slots: [] }
    buckets.set(start, bucket)
    bucket.slots.push(slot)
  }
  return [...buckets.values()].sort((a, b) => a.start - b.start)
}

function startOf(time: number, granularity: Granularity, timeZone: string): Temporal.ZonedDateTime {
  const at = Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO(timeZone)
  if (granularity === 'HOUR') return at.round({ smallestUnit: 'hour', roundingMode: 'floor' })
  const day = at.toPlainDate()
  if (granularity === 'DAY') return startOfDay(day, timeZone)
  return startOfDay(granularity === 'WEEK' ? day.subtract({ days: day.dayOfWeek - 1 }) : day.with({ day: 1 }), timeZone)
}

/** The first moment of a day: not midnight where a change of clocks skips it. */
function startOfDay(day: Temporal.PlainDate, timeZone: string): Temporal.ZonedDateTime {
  return day.toZonedDateTime(timeZone)
}

function labelOf(start: Temporal.ZonedDateTime, granularity: Granularity): string {
  const date = start.toPlainDate()
  switch (granularity) {
    case 'HOUR':
      return `${start.toPlainDateTime().toString({ smallestUnit: 'minute' })}${start.offset}`
    case 'DAY':
      return date.toString()
    case 'WEEK':
      return `${date.yearOfWeek}-W${String(date.weekOfYear).padStart(2, '0')}`
    case 'MONTH':
      return date.toPlainYearMonth().toString()
  }
}
