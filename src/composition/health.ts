import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { Component } from '../graphql/context.ts'
import type { JournalHealth, OpenJournal } from '../journal/journal.ts'
import type { Flags } from '../ports/flags.ts'
import type { OtherJournals } from '../shipping/other-journals.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'
import { describePending } from './other-journals.ts'
import type { ReadingSide } from './reading-side.ts'

export interface HealthParts {
  legacy: LegacySource
  journal: OpenJournal
  otherJournals: OtherJournals
  database: KeptDatabaseSide
  reading: ReadingSide
  flags: Flags
}

export function componentsOf({ legacy, journal, otherJournals, database, reading, flags }: HealthParts): Component[] {
  return [
    { name: 'enhanced-analysis', ...legacy.health() },
    { name: 'journal', ...journalHealth(journal, otherJournals) },
    { name: 'clickhouse', ...database.health() },
    { name: 'publisher', ...database.publisher() },
    { name: 'redis', ...reading.cacheHealth() },
    { name: 'unleash', ...flags.health() },
  ]
}

/** That others have what is in no answer here is no trouble of the journal itself, and is told beside it. */
function journalHealth(journal: OpenJournal, otherJournals: OtherJournals): JournalHealth {
  const { state, detail } = journal.health()
  const lacking = describePending(otherJournals.pending())
  if (lacking === undefined) return { state, detail }
  return { state: state === 'UP' ? 'DEGRADED' : state, detail: `${detail}; ${lacking}` }
}
