import { EventEmitter } from 'node:events'
import type { Config } from '../config.ts'
import type { JournaledRange } from '../enhanced-analysis/table/journal-update.ts'
import { type OpenJournal, openJournal } from '../journal/journal.ts'
import type { JournalKey } from '../journal/key.ts'
import { journalHeadsPath } from '../lost-revocations-file.ts'
import type { Logger } from '../observability/logger.ts'
import type { IngestEntry, JournalListener, JournalPlace, StateEntry } from '../ports/journal.ts'
import { recordsOf } from '../writing/journaled-copies.ts'
import { instanceOf } from './instance.ts'

/** What is told of the journal, in the order of each segment. */
export interface JournalEvents {
  state: [StateEntry]
  ingest: [IngestEntry, JournalPlace]
  /** There is something to be counted, after what `read` has handed over. */
  journaled: [JournaledRange]
}

/** The journal, and what is learned from its entries. */
export interface WayIn {
  journal: OpenJournal
  /** Whoever listens begins in the turn in which it was opened: the journal is read from the next one on. */
  events: Pick<EventEmitter<JournalEvents>, 'on'>
  /** Hands what is to be counted of the journal to an analysis that starts; settles when it has everything. */
  read(add: (range: JournaledRange) => void): Promise<void>
}

export interface WayInOptions {
  config: Config
  key: JournalKey
  logger: Logger
}

/** Between two looks for what other instances wrote to the journal: a revocation counts within a second. */
const FOLLOW_MS = 500

/** The journal is read once at the start, in the background: for the first analysis, too. */
export function openWayIn({ config, key, logger }: WayInOptions): WayIn {
  const events = new EventEmitter<JournalEvents>()
  const tellJournaled = (range: JournaledRange): void => void events.emit('journaled', range)
  let count = tellJournaled
  let wasBegun = false
  const journal = openJournal({
    folder: config.journalDir,
    key,
    instance: instanceOf(config.dataDir),
    headsPath: journalHeadsPath(config.dataDir),
    followIntervalMs: FOLLOW_MS,
    onOddFile: (problem) => logger.error({ problem }, 'a file in the folder of the journal is no segment'),
    listener: {
      entry(entry, place) {
        if (entry.kind === 'ingest') events.emit('ingest', entry, place)
        else events.emit('state', entry)
        countedBy(count).entry(entry, place)
      },
      unreadable(place, reason) {
        logger.error({ ...place, reason }, 'part of the journal cannot be read: it was put in quarantine')
        countedBy(count).unreadable(place, reason)
      },
    },
  })
  logWhetherWhole(journal, logger)
  return {
    journal,
    events,
    async read(add) {
      if (wasBegun) return journal.replay(countedBy(add))
      wasBegun = true
      count = add
      await journal.whenRead()
      count = tellJournaled
    },
  }
}

/** What is gone is in no entry and in no damage. */
function logWhetherWhole(journal: OpenJournal, logger: Logger): void {
  journal.whenRead().then(
    () => {
      const { state, detail } = journal.health()
      if (state !== 'UP') logger.error({ detail }, 'the journal is not whole: docs/runbooks/lost-data.md')
    },
    // it was closed before it was read
    () => undefined,
  )
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
