import { LRUCache } from 'lru-cache'
import type { AuditEvent } from '../ports/audit.ts'

/** What is counted of each caller. */
export const MEASURES = ['requests', 'records', 'failures'] as const
export type Measure = (typeof MEASURES)[number]

/** More of it within a minute is unusual. */
export type AlarmLines = Record<Measure, number>

export interface Alarm {
  who: string | undefined
  from: string | undefined
  measure: Measure
  /** The line that was crossed. */
  line: number
}

/** Tells callers, users or addresses without one, who ask, bring in or fail more within a minute than is usual. */
export interface Unusual {
  see(event: AuditEvent): void
  /** Alarms since the start. */
  totals(): Readonly<Record<Measure, number>>
  /** Those of the last ten minutes, one a caller and measure, the latest first: `ann: more than 60 failures a minute`. */
  lately(): string[]
}

export interface UnusualOptions {
  lines: AlarmLines
  /** Once a caller, measure and minute. */
  onAlarm: (alarm: Alarm) => void
  now?: () => number
}

/** Callers whose minute is counted: those who were seen last. */
const MAX_CALLERS = 10_000
/** Alarms that health tells of. */
const MAX_TOLD = 20
const MINUTE_MS = 60_000
const LATELY_MS = 10 * MINUTE_MS

export function createUnusual({ lines, onAlarm, now = Date.now }: UnusualOptions): Unusual {
  const callers = new LRUCache<string, { minute: number; counts: Record<Measure, number> }>({ max: MAX_CALLERS })
  const told = new LRUCache<string, number>({ max: MAX_TOLD })
  const totals = { requests: 0, records: 0, failures: 0 }

  const add = (measure: Measure, more: number, counts: Record<Measure, number>, { who, from }: AuditEvent): void => {
    const line = lines[measure]
    const before = counts[measure]
    counts[measure] += more
    if (before > line || counts[measure] <= line) return
    totals[measure]++
    told.set(`${who ?? from}: ${describeAlarm({ measure, line })}`, now())
    onAlarm({ who, from, measure, line })
  }
  return {
    see(event) {
      const { who, from, outcome, records = 0 } = event
      const caller = who === undefined ? `address ${from}` : `user ${who}`
      const minute = Math.floor(now() / MINUTE_MS)
      let seen = callers.get(caller)
      if (seen?.minute !== minute) {
        seen = { minute, counts: { requests: 0, records: 0, failures: 0 } }
        callers.set(caller, seen)
      }
      add('requests', 1, seen.counts, event)
      if (records > 0) add('records', records, seen.counts, event)
      if (outcome !== 'ok') add('failures', 1, seen.counts, event)
    },
    totals: () => totals,
    lately: () => [...told.entries()].filter(([, at]) => now() - at < LATELY_MS).map(([text]) => text),
  }
}

export const describeAlarm = ({ measure, line }: Pick<Alarm, 'measure' | 'line'>): string =>
  `more than ${line} ${measure} a minute`
