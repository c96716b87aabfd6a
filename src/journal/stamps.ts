import { stampOf } from '../domain/stamp.ts'
import type { IngestEntry, JournalEntry } from '../ports/journal.ts'

/**
 * Stamps what is brought in, so that it is known everywhere who was first: larger than everything that this instance has
 * stamped or read, and never behind its clock.
 */
export interface Stamps {
  /** The entry with its stamp: that of its first record, whose index is added for the others. */
  stamped(entry: IngestEntry): IngestEntry
  /** An entry was read. */
  learn(entry: JournalEntry): void
}

export function createStamps(now: () => number = Date.now): Stamps {
  let last = 0
  const learn = (stamp: number, records: number): void => {
    last = Math.max(last, stamp + records - 1)
  }
  return {
    stamped(entry) {
      const stamp = Math.max(now() * 1000, last + 1)
      learn(stamp, entry.records.length)
      return { ...entry, stamp }
    },
    learn(entry) {
      if (entry.kind === 'ingest') learn(stampOf(entry), entry.records.length)
    },
  }
}
