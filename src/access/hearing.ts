/** By which ways an instance hears what was revoked: up to when each was heard, in milliseconds since 1970. */
export interface Hearing {
  /** `undefined` until the journal was read. */
  ofJournal: () => number | undefined
  /** Absent: there is no server that others could tell it. `undefined` until it was asked once. */
  ofDatabase: (() => number | undefined) | undefined
  /** Others have journals that this instance does not read: what they revoke is heard in the database alone. */
  hasOtherJournals: () => boolean
  now?: () => number
}

/** Others write at any time; where nothing was heard for so long, what they revoke is not. */
const DEAF_MS = 5000

/**
 * Since when revocations are not heard; `undefined` where they are. At the start: until the journal was read, and what
 * was told in the database, which may know of some that no journal here has. A database that does not answer is not
 * waited for any longer than five seconds, but `strictly`. Later on only `strictly`: then each way counts by which
 * something may be told.
 */
export function createUnheardSince(hearing: Hearing): (strictly: boolean) => number | undefined {
  const { ofJournal, ofDatabase, hasOtherJournals, now = Date.now } = hearing
  const startedAt = now()
  return (strictly) => {
    const journal = ofJournal()
    if (journal === undefined) return startedAt
    const database = ofDatabase === undefined ? journal : ofDatabase()
    if (database === undefined) return strictly || now() - startedAt < DEAF_MS ? startedAt : undefined
    const heard = hasOtherJournals() ? Math.min(journal, database) : journal
    return strictly && now() - heard > DEAF_MS ? heard : undefined
  }
}
