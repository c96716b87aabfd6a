import { Temporal } from 'temporal-polyfill'
import { LIMITS } from './limits.ts'

/** A time zone's offset from UTC between two changes of its clocks, in milliseconds. */
export interface Interval {
  /** Milliseconds since 1970; half-open. */
  from: number
  to: number
  offset: number
}

/** What is asked of a zone's clocks, in integer arithmetic. Times are milliseconds since 1970. */
export interface Clock {
  offsetAt(time: number): number
  /** Around a time, while the clocks do not change. */
  intervalAt(time: number): Interval
  /** The first moment of a local day, given as days since 1970: not midnight where a change of clocks skips it. */
  startOfDay(day: number): number
  /** The moment when clocks show `wall`, the earlier of two; as much later as clocks jump, where they never show it. */
  timeOf(wall: number): number
}

export const DAY_MS = 86_400_000
/** What the clocks of one zone take in memory, at most: they change at most four times a year, from 1970 to 2261. */
const CLOCK_BYTES = 292 * 4 * 64
/** There are some 600 zones; a name, short beside a clock, may be written in small and large letters in any way. */
const MAX_KEPT = Math.floor(LIMITS.clockBytes.value / CLOCK_BYTES)

const names = new Map<string, string>()
const clocks = new Map<string, Clock>()

/**
 * The one name of a time zone that is given by an IANA name in letters of any case, or by another name of the same
 * zone; `undefined` for what is none.
 */
export function canonicalTimeZone(text: string): string | undefined {
  // an offset is a zone to Intl, but not a name
  if (!/^[A-Za-z][\w+/-]{0,63}$/.test(text)) return undefined
  const known = names.get(text.toLowerCase())
  if (known !== undefined) return known
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions()
    return keep(names, text.toLowerCase(), timeZone)
  } catch {
    return undefined
  }
}

/** The clocks of a zone. What was found out about them is kept for zones that were asked for lately. */
export function clockOf(timeZone: string): Clock {
  const known = clocks.get(timeZone)
  clocks.delete(timeZone)
  return keep(clocks, timeZone, known ?? createClock(timeZone))
}

function keep<T>(kept: Map<string, T>, key: string, value: T): T {
  if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value as string)
  kept.set(key, value)
  return value
}

function createClock(timeZone: string): Clock {
  /** Those that were asked for, in order; at most a few for each year. */
  const intervals: Interval[] = []
  let latest: Interval = { from: 0, to: 0, offset: 0 }

  const intervalAt = (time: number): Interval => {
    if (time >= latest.from && time < latest.to) return latest
    let low = 0
    let high = intervals.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((intervals[middle] as Interval).to <= time) low = middle + 1
      else high = middle
    }
    const found = intervals[low]
    if (found !== undefined && found.from <= time) latest = found
    else {
      latest = lookUp(time, timeZone)
      intervals.splice(low, 0, latest)
    }
    return latest
  }

  /** The intervals around a local time: clocks change by a day at the most. */
  const around = (wall: number): [Interval, Interval] => [intervalAt(wall - DAY_MS), intervalAt(wall + DAY_MS)]

  const resolve = (wall: number): { time: number; exists: boolean; change: number } => {
    const [before, after] = around(wall)
    for (let interval = before; ; interval = intervalAt(interval.to)) {
      const time = wall - interval.offset
      // the earlier of two comes first; a time before the interval fell into the gap before it
      if (time < interval.from) {
        const skipped = intervalAt(interval.from - 1)
        return { time: wall - skipped.offset, exists: false, change: interval.from }
      }
      if (time < interval.to) return { time, exists: true, change: 0 }
      if (interval === after) return { time, exists: true, change: 0 }
    }
  }

  return {
    offsetAt: (time) => intervalAt(time).offset,
    intervalAt,
    startOfDay(day) {
      const { time, exists, change } = resolve(day * DAY_MS)
      return exists ? time : change
    },
    timeOf: (wall) => resolve(wall).time,
  }
}

function lookUp(time: number, timeZone: string): Interval {
  const at = Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO(timeZone)
  // a change that is at this very moment comes before the next one
  const previous = at.add({ milliseconds: 1 }).getTimeZoneTransition('previous')
  const next = at.getTimeZoneTransition('next')
  return {
    from: previous?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
    to: next?.epochMilliseconds ?? Number.POSITIVE_INFINITY,
    offset: at.offsetNanoseconds / 1e6,
  }
}
