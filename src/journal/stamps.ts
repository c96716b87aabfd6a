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

/**
 * In the year 2112: a clock that is further ahead must not use up the numbers that are exact, behind which all stamps are
 * the same, and the user's name decides who was first. So many are left.
 */
const MAX_OF_CLOCK = 2 ** 52

export function createStamps(now: () => number = Date.now): Stamps {
  let last = 0
  const learn = (stamp: number, records: number): void => {
    const end = stamp + records - 1
    // of a release that stamped by whatever its clock said: nobody can be behind it
    if (Number.isSafeInteger(end)) last = Math.max(last, end)
  }
  return {
    stamped(entry) {
      const stamp = Math.max(Math.min(now() * 1000, MAX_OF_CLOCK), last + 1)
      learn(stamp, entry.records.length)
      return { ...entry, stamp }
    },
    learn(entry) {
      if (entry.kind === 'ingest') learn(stampOf(entry), entry.records.length)
    },
  }
}
