import { LRUCache } from 'lru-cache'
import type { IngestEntry, JournalPlace } from '../ports/journal.ts'

/** What is kept of a call, so that it is answered as the first time when it comes again. */
export interface RememberedCall {
  /** SHA-256 of what was sent. */
  contentHash: string
  accepted: number
  /** Positions in the call of the records that were refused. */
  refused: readonly number[]
  place: JournalPlace
}

/** Calls by caller and idempotency key: those used last, up to so many bytes. */
export interface RememberedCalls {
  find(caller: string, key: string): RememberedCall | undefined
  remember(entry: IngestEntry, place: JournalPlace): void
  /** About what they take in memory. */
  bytes(): number
}

/** What a call takes beside its texts and numbers: the objects, and the cache's own lists. */
const CALL_BYTES = 400

export function createRememberedCalls(maxBytes: number): RememberedCalls {
  const calls = new LRUCache<string, RememberedCall>({
    maxSize: maxBytes,
    sizeCalculation: ({ contentHash, refused }, name) =>
      CALL_BYTES + 2 * name.length + contentHash.length + 8 * refused.length,
  })
  return {
    find: (caller, key) => calls.get(nameOf(caller, key)),
    remember(entry, place) {
      if (entry.idempotencyKey === undefined) return
      const name = nameOf(entry.caller, entry.idempotencyKey)
      // another instance may have had the same call: the first one is the answer
      if (calls.has(name)) return
      const { contentHash, records } = entry
      calls.set(name, { contentHash, accepted: records.length, refused: refusedIn(entry), place })
    },
    bytes: () => calls.calculatedSize,
  }
}

/** Names a key of a caller; the length keeps the two apart. */
export const nameOf = (caller: string, key: string): string => `${caller.length}:${caller}:${key}`

/** Releases before this one journaled every mistake in full. */
function refusedIn(entry: IngestEntry | (Omit<IngestEntry, 'refused'> & { rejected: { index: number }[] })): number[] {
  return 'rejected' in entry ? [...new Set(entry.rejected.map(({ index }) => index))] : entry.refused
}
