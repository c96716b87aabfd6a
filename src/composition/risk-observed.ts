import type { Metrics } from '../observability/metrics.ts'
import { createRecent, type Recent } from '../risk/recent.ts'
import type { Ingest } from '../writing/ingest.ts'

// Calls and operations as they pass by, for the risk watch.

const WINDOW_MS = 5 * 60_000

export interface WatchedIngests {
  /** Milliseconds until they were acknowledged. */
  took: Recent
  /** The most that waited at once: now, and lately. */
  mostWaiting(): number
  watch<Watched extends Pick<Ingest, 'submit'>>(ingest: Watched): Watched
}

export function watchIngests(now: () => number, passed = (): number => performance.now()): WatchedIngests {
  const took = createRecent(WINDOW_MS, now)
  const counts = createRecent(WINDOW_MS, now)
  let waiting = 0
  return {
    took,
    mostWaiting: () => Math.max(waiting, counts.largest() ?? 0),
    watch: (ingest) => ({
      ...ingest,
      async submit(submission) {
        const startedAt = passed()
        counts.note(++waiting)
        try {
          const result = await ingest.submit(submission)
          took.note(passed() - startedAt)
          return result
        } finally {
          waiting--
        }
      },
    }),
  }
}

export interface WatchedOperations {
  /** Milliseconds that queries took. */
  queries: Recent
  all: Recent
  failed: Recent
  watch(metrics: Metrics): Metrics
}

/** Errors that are the bridge's, and not of whoever asked. */
const OF_THE_BRIDGE: ReadonlySet<string> = new Set([
  'SOURCE_UNAVAILABLE',
  'STORAGE_UNAVAILABLE',
  'OVERLOADED',
  'INTERNAL_SERVER_ERROR',
])

/** The errors of an operation are told before the operation, in one turn. */
export function watchOperations(now: () => number): WatchedOperations {
  const [queries, all, failed] = [now, now, now].map((clock) => createRecent(WINDOW_MS, clock)) as [
    Recent,
    Recent,
    Recent,
  ]
  let hasFailed = false
  return {
    queries,
    all,
    failed,
    watch: (metrics) => ({
      ...metrics,
      error(code) {
        hasFailed ||= OF_THE_BRIDGE.has(code)
        metrics.error(code)
      },
      operation(type, outcome, seconds) {
        all.note()
        if (hasFailed) failed.note()
        hasFailed = false
        if (type === 'query') queries.note(seconds * 1000)
        metrics.operation(type, outcome, seconds)
      },
    }),
  }
}
