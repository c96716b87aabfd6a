import { join } from 'node:path'
import type { Config } from './config.ts'
import type { SourcePreference } from './domain/source.ts'
import type { JournaledRange } from './enhanced-analysis/journal-update.ts'
import { type OpenJournal, openJournal } from './journal/journal.ts'
import type { JournalKey } from './journal/key.ts'
import type { Logger } from './observability/logger.ts'
import type { JournalListener } from './ports/journal.ts'
import { createIngest, type Ingest, type IngestOptions } from './writing/ingest.ts'
import { recordsOf } from './writing/journaled-copies.ts'

/** The journal, and what is learned from its entries. */
export interface WayIn {
  journal: OpenJournal
  ingest: Ingest
  /** The stored choices of source, by user. */
  preferences: ReadonlyMap<string, SourcePreference>
  /** Hands what is to be counted of the journal to an analysis that starts; settles when it has everything. */
  readJournal(add: (range: JournaledRange) => void): Promise<void>
}

export interface WayInOptions {
  config: Config
  key: JournalKey
  logger: Logger
  whenStored: IngestOptions['whenStored']
  /** Hears what is to be counted from when an analysis has everything before it. */
  onJournaled: (range: JournaledRange) => void
}

/** Between two looks for what other instances wrote to the journal. */
const FOLLOW_MS = 1000

/** The journal is read once at the start, in the background: for the first analysis, too. */
export function openWayIn({ config, key, logger, whenStored, onJournaled }: WayInOptions): WayIn {
  const preferences = new Map<string, SourcePreference>()
  let count = onJournaled
  let wasBegun = false
  const ingest = createIngest({ journal: { append: (entry) => journal.append(entry) }, whenStored })
  const journal = openJournal({
    folder: config.journalDir,
    key,
    headsPath: join(config.dataDir, 'journal-heads'),
    followIntervalMs: FOLLOW_MS,
    listener: {
      entry(entry, place) {
        if (entry.kind === 'preference') preferences.set(entry.userId, entry.preference)
        else ingest.remember(entry, place)
        countedBy(count).entry(entry, place)
      },
      unreadable(place, reason) {
        logger.error({ ...place, reason }, 'part of the journal cannot be read: it was put in quarantine')
        countedBy(count).unreadable(place, reason)
      },
    },
  })
  return {
    journal,
    ingest,
    preferences,
    async readJournal(add) {
      if (wasBegun) return journal.replay(countedBy(add))
      wasBegun = true
      count = add
      await journal.whenRead()
      count = onJournaled
    },
  }
}

/** What is counted of the journal's entries, and what cannot be. */
function countedBy(add: (range: JournaledRange) => void): JournalListener {
  return {
    entry(entry, { segment, from, to }) {
      if (entry.kind === 'ingest') add({ segment, to, records: recordsOf(entry, segment, from) })
    },
    unreadable: ({ segment, from, to }) => add({ segment, to, records: [], unreadableFrom: from }),
  }
}
