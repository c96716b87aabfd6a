import { Temporal } from 'temporal-polyfill'
import { type Clock, canonicalTimeZone, clockOf, DAY_MS } from './time-zone.ts'
import { parseTimestamp } from './timestamp.ts'

export const GRANULARITIES = ['HOUR', 'DAY', 'WEEK', 'MONTH'] as const
export type Granularity = (typeof GRANULARITIES)[number]

/** The hours, days, ISO weeks or months of a time zone. */
export interface Buckets {
  granularity: Granularity
  /** Its one name (`canonicalTimeZone`). */
  timeZone: string
}

/** Whether a text is an IANA time zone name, such as `Europe/Berlin` or `UTC`. */
export function isTimeZone(text: string): boolean {
  return canonicalTimeZone(text) !== undefined
}

/**
 * Finds the start of the bucket that holds a time, both in milliseconds since 1970. Days of 23 and 25 hours, and an hour
 * that comes twice, are what they are. Asked in the order of time it computes once for each bucket.
 */
export function bucketStarts({ granularity, timeZone }: Buckets): (time: number) => number {
  const clock = clockOf(timeZone)
  let start = 0
  let from = 0
  let to = 0
  return (time) => {
    if (time >= from && time < to) return start
    const span = spanOf(time, granularity, clock)
    const interval = clock.intervalAt(time)
    start = span.start
    // where clocks change within a bucket, what follows may be of another one, and come back to this one
    from = Math.max(span.start, interval.from)
    to = Math.min(span.end, interval.to)
    return start
  }
}

/** The starts of all buckets that hold a moment from `from` to `last`, both included, the earliest first. */
export function* bucketsBetween(from: number, last: number, buckets: Buckets): Generator<number, void, undefined> {
  const { granularity, timeZone } = buckets
  const clock = clockOf(timeZone)
  const startOf = bucketStarts(buckets)
  let start = startOf(from)
  while (start <= last) {
    yield start
    let next = spanOf(start, granularity, clock).end
    // where clocks were put back, what comes after may belong to the same bucket
    while (startOf(next) <= start) next += QUARTER_MS
    start = startOf(next)
  }
}

/** What the bucket that starts then is called: `2026-04-02T09:00+02:00`, `2026-04-02`, `2026-W14` (ISO 8601) or `2026-04`. */
export function bucketLabel(start: number, { granularity, timeZone }: Buckets): string {
  return labelOf(start, granularity, clockOf(timeZone))
}

const HOUR_MS = 3_600_000
/** Clocks are changed by no less. */
const QUARTER_MS = HOUR_MS / 4
const WEEK_DAYS = 7

/** Of the bucket that holds a time, in milliseconds; `end`, at the offset of that time, is not part of it. */
function spanOf(time: number, granularity: Granularity, clock: Clock): { start: number; end: number } {
  const offset = clock.offsetAt(time)
  const wall = time + offset
  if (granularity === 'HOUR') {
    const hour = Math.floor(wall / HOUR_MS) * HOUR_MS
    // the clocks changed within the hour where it did not begin at this offset
    const start = clock.offsetAt(hour - offset) === offset ? hour - offset : clock.timeOf(hour)
    return { start, end: hour + HOUR_MS - offset }
  }
  const day = Math.floor(wall / DAY_MS)
  const [from, to] =
    granularity === 'DAY'
      ? [day, day + 1]
      : granularity === 'WEEK'
        ? [day - weekdayOf(day), day - weekdayOf(day) + WEEK_DAYS]
        : monthOf(day)
  return { start: clock.startOfDay(from), end: clock.startOfDay(to) }
}

/** 0 is Monday; days are counted from 1970-01-01, a Thursday. */
function weekdayOf(day: number): number {
  return (((day + 3) % WEEK_DAYS) + WEEK_DAYS) % WEEK_DAYS
}

/** First day of the month that a day is in, and of the next. */
function monthOf(day: number): [number, number] {
  const date = new Date(day * DAY_MS)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  return [Date.UTC(year, month, 1) / DAY_MS, Date.UTC(year, month + 1, 1) / DAY_MS]
}

function labelOf(start: number, granularity: Granularity, clock: Clock): string {
  const offset = clock.offsetAt(start)
  const wall = start + offset
  switch (granularity) {
    case 'HOUR':
      return `${isoOf(wall).slice(0, 16)}${offsetLabel(offset)}`
    case 'DAY':
      return isoOf(wall).slice(0, 10)
    case 'WEEK': {
      const day = Math.floor(wall / DAY_MS)
      // the year of a week is that of its Thursday
      const thursday = day - weekdayOf(day) + 3
      const year = new Date(thursday * DAY_MS).getUTCFullYear()
      const week = Math.floor((thursday - Date.UTC(year, 0, 1) / DAY_MS) / WEEK_DAYS) + 1
      return `${year}-W${two(week)}`
    }
    case 'MONTH':
      return isoOf(wall).slice(0, 7)
  }
}

const isoOf = (wall: number): string => new Date(wall).toISOString()
const two = (number: number): string => String(number).padStart(2, '0')

/** `+05:45`; with seconds where a zone had them, before 1972. */
function offsetLabel(offset: number): string {
  const seconds = Math.abs(offset) / 1000
  const label = `${offset < 0 ? '-' : '+'}${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}`
  return seconds % 60 === 0 ? label : `${label}:${two(seconds % 60)}`
}

/** A moment as people name it: an RFC 3339 timestamp, or a date, which is its first moment in the zone. */
export function parseMoment(text: string, timeZone: string): number | undefined {
  const time = parseTimestamp(text)
  if (time !== undefined) return time
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined
  try {
    const moment = Temporal.PlainDate.from(text, { overflow: 'reject' }).toZonedDateTime(timeZone).epochMilliseconds
    return parseTimestamp(new Date(moment).toISOString())
  } catch {
    return undefined
  }
}
