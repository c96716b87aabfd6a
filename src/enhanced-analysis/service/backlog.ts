import { sizeOf } from '../../domain/size-of.ts'
import type { JournaledRange } from '../table/journal-update.ts'

/** What of the journal is on its way to the analysis and not counted yet, by about the bytes that it takes in memory. */
export interface Backlog {
  /** It waits for a thread that starts. */
  hold(range: JournaledRange): void
  /** What was held goes to the thread now, and is sent like anything else. */
  release(): void
  /** They go to the thread. */
  send(ranges: readonly JournaledRange[]): void
  /** So many of the ranges that were sent since the last `clear` are counted. */
  counted(ranges: number): void
  /** The thread is gone, with everything that was on its way. */
  clear(): void
  bytes(): number
}

export function createBacklog(): Backlog {
  let held = 0
  let sent = 0
  /** The bytes of each range that is not counted, in the order of sending, and how many were before them. */
  let sizes: number[] = []
  let before = 0
  return {
    hold(range) {
      held += sizeOf(range)
    },
    release() {
      held = 0
    },
    send(ranges) {
      for (const range of ranges) {
        const bytes = sizeOf(range)
        sizes.push(bytes)
        sent += bytes
      }
    },
    counted(ranges) {
      for (const bytes of sizes.splice(0, ranges - before)) sent -= bytes
      before = Math.max(before, ranges)
    },
    clear() {
      held = 0
      sent = 0
      sizes = []
      before = 0
    },
    bytes: () => held + sent,
  }
}
