import { journalKey } from '../domain/log-name.ts'
import type { JournalPlace } from '../ports/journal.ts'
import type { LedgerFacts } from './ledger.ts'

/** Where the records of the journal end, segment by segment, and whether they are published. */
export interface JournaledPlaces {
  add(place: JournalPlace): void
  /** `undefined` where that cannot be said without a ledger. What the database refuses is not published. */
  areAllPublished(ledger: Pick<LedgerFacts, 'state'> | undefined): boolean | undefined
}

export function createJournaledPlaces(): JournaledPlaces {
  const ends = new Map<string, number>()
  return {
    add: ({ segment, to }) => void ends.set(segment, Math.max(to, ends.get(segment) ?? 0)),
    areAllPublished(ledger) {
      if (ends.size === 0) return true
      return ledger && [...ends].every(([segment, to]) => isPublished(ledger, segment, to))
    },
  }
}

function isPublished(ledger: Pick<LedgerFacts, 'state'>, segment: string, to: number): boolean {
  const state = ledger.state(journalKey(segment))
  return state !== undefined && state.publishedTo >= to && (state.setAside ?? []).length === 0
}
