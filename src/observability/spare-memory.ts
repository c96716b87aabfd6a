import { Session } from 'node:inspector'
import { performance } from 'node:perf_hooks'

const LOOK_MS = 2000
/** While the event loop is busier than this it waits: a full collection would delay the answers that it is working on. */
const IDLE_BELOW = 0.3
/** So many looks at most: who always has something to do, or a machine that is busy with something else, is never idle. */
const MAX_LOOKS = 4
/** A collection is worth it when the heap has grown by so many bytes since the last one. */
const SPARE_BYTES = 32 * 2 ** 20

export interface SpareMemoryOptions {
  /** How often it looks, in milliseconds. */
  lookMs?: number
  spareBytes?: number
}

/**
 * Gives heap that a flood of questions left behind back to the system. V8 keeps it for good where nobody asks for it:
 * its own reducer does not run in Node (measured: 190 MB of empty pages as long as one watched). Where the heap has grown
 * since, garbage is collected in full, some 100 ms, once the event loop is mostly idle, or after some looks. Returns what
 * ends it.
 */
export function giveBackSpareMemory({
  lookMs = LOOK_MS,
  spareBytes = SPARE_BYTES,
}: SpareMemoryOptions = {}): () => void {
  const session = new Session()
  session.connect()
  let before = performance.eventLoopUtilization()
  let needed = process.memoryUsage().heapTotal
  let looksLeft = MAX_LOOKS
  const look = (): void => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    if (process.memoryUsage().heapTotal < needed + spareBytes) return
    if (utilization > IDLE_BELOW && looksLeft-- > 0) return
    looksLeft = MAX_LOOKS
    session.post('HeapProfiler.collectGarbage', () => (needed = process.memoryUsage().heapTotal))
  }
  const timer = setInterval(look, lookMs).unref()
  return () => {
    clearInterval(timer)
    session.disconnect()
  }
}
