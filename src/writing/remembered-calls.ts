import { LRUCache } from 'lru-cache'
import type { IngestEntry, JournalPlace } from '../ports/journal.ts'

/** What is kept of a call, so that it is answered as the first time when it comes again. */
export interface RememberedCall {
  /** `contentHash` of what was sent, in the version of the release that it was sent to. */
  contentHash: string
  accepted: number
  /** Positions in the call of the records that were refused. */
  refused: readonly number[]
  place: JournalPlace
}

/** Calls by caller and idempotency key: those used last, up to so many bytes; who holds most loses first. */
export interface RememberedCalls {
  find(caller: string, key: string): RememberedCall | undefined
  remember(entry: IngestEntry, place: JournalPlace): void
  /** About what they take in memory. */
  bytes(): number
}

/** What a call takes beside its texts and numbers: the objects, and the cache's own lists. */
const CALL_BYTES = 400
/** What a caller takes beside the calls: a cache without any. */
const CALLER_BYTES = 2000

/** Each caller has a cache, so that a flood of calls drives out none but the flooder's. */
export function createRememberedCalls(maxBytes: number): RememberedCalls {
  const callers = new Map<string, LRUCache<string, RememberedCall>>()
  let bytes = 0

  const openCache = (caller: string): LRUCache<string, RememberedCall> => {
    const calls = new LRUCache<string, RememberedCall>({
      maxSize: maxBytes,
      sizeCalculation: ({ contentHash, refused }, key) =>
        CALL_BYTES + 2 * key.length + contentHash.length + 8 * refused.length,
    })
    callers.set(caller, calls)
    bytes += CALLER_BYTES + 2 * caller.length
    return calls
  }

  const forgetOne = (): void => {
    let most: [caller: string, calls: LRUCache<string, RememberedCall>] | undefined
    for (const one of callers) if (most === undefined || one[1].calculatedSize > most[1].calculatedSize) most = one
    if (most === undefined) return
    const [caller, calls] = most
    const before = calls.calculatedSize
    calls.pop()
    bytes -= before - calls.calculatedSize
    if (calls.size > 0) return
    callers.delete(caller)
    bytes -= CALLER_BYTES + 2 * caller.length
  }

  return {
    find: (caller, key) => callers.get(caller)?.get(key),
    remember(entry, place) {
      const { caller, idempotencyKey: key, contentHash, records } = entry
      if (key === undefined) return
      const calls = callers.get(caller) ?? openCache(caller)
      // another instance may have had the same call: the first one is the answer
      if (calls.has(key)) return
      const before = calls.calculatedSize
      calls.set(key, { contentHash, accepted: records.length, refused: refusedIn(entry), place })
      bytes += calls.calculatedSize - before
      while (bytes > maxBytes) forgetOne()
    },
    bytes: () => bytes,
  }
}

/** Releases before this one journaled every mistake in full. */
function refusedIn(entry: IngestEntry | (Omit<IngestEntry, 'refused'> & { rejected: { index: number }[] })): number[] {
  return 'rejected' in entry ? [...new Set(entry.rejected.map(({ index }) => index))] : entry.refused
}
