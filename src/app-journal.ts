import { join } from 'node:path'
import type { Config } from './config.ts'
import type { JournaledRange } from './enhanced-analysis/journal-update.ts'
import { type OpenJournal, openJournal } from './journal/journal.ts'
import type { JournalKey } from './journal/key.ts'
import type { Logger } from './observability/logger.ts'
import type { Journal, JournalListener } from './ports/journal.ts'
import { createIngest, type Ingest, type IngestOptions } from './writing/ingest.ts'
import { recordsOf } from './writing/journaled-copies.ts'
import { createPreferences, type Preferences } from './writing/preferences.ts'

/** The journal, and what is learned from its entries. */
export interface WayIn {
  journal: OpenJournal
  ingest: Ingest
  preferences: Preferences
  /** Hands what is to be counted of the journal to an analysis that starts; settles when it has everything. */
  readJournal(add: (range: JournaledRange) => void): Promise<void>
}

export interface WayInOptions {
  config: Config
  key: JournalKey
  logger: Logger
  whenStored: IngestOptions['whenStored']
  hasRoom: () => boolean
  /** Hears what is to be counted from when an analysis has everything before it. */
  onJournaled: (range: JournaledRange) => void
}

/** Between two looks for what other instances wrote to the journal. */
const FOLLOW_MS = 1000

/** The journal is read once at the start, in the background: for the first analysis, too. */
export function openWayIn({ config, key, logger, whenStored, hasRoom, onJournaled }: WayInOptions): WayIn {
  let count = onJournaled
  let wasBegun = false
  let isRead = false
  // what learns of the journal's entries is there before them
  const appendTo: Journal = { append: (entry) => journal.append(entry) }
  const preferences = createPreferences({ journal: appendTo, isRead: () => isRead })
  const ingest = createIngest({ journal: appendTo, whenStored, hasRoom })
  const journal = openJournal({
    folder: config.journalDir,
    key,
    headsPath: join(config.dataDir, 'journal-heads'),
    followIntervalMs: FOLLOW_MS,
    onOddFile: (problem) => logger.error({ problem }, 'a file in the folder of the journal is no segment'),
    listener: {
      entry(entry, place) {
        if (entry.kind === 'preference') preferences.remember(entry)
        else if (entry.kind === 'ingest') ingest.remember(entry, place)
        countedBy(count).entry(entry, place)
      },
      unreadable(place, reason) {
        logger.error({ ...place, reason }, 'part of the journal cannot be read: it was put in quarantine')
        countedBy(count).unreadable(place, reason)
      },
    },
  })
  // what is gone is in no entry and in no damage
  journal.whenRead().then(
    () => {
      const { state, detail } = journal.health()
      if (state !== 'UP') logger.error({ detail }, 'the journal is not whole: docs/runbooks/lost-data.md')
    },
    // it was closed before it was read
    () => undefined,
  )
  return {
    journal,
    ingest,
    preferences,
    async readJournal(add) {
      if (wasBegun) return journal.replay(countedBy(add))
      wasBegun = true
      count = add
      await journal.whenRead()
      isRead = true
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
