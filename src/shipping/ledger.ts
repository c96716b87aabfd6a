import { randomInt, randomUUID } from 'node:crypto'
import { type Edition, formatLogName, parseLogName } from '../domain/log-name.ts'
import type { Migration } from '../domain/migration.ts'
import type { LogState } from '../ports/logs.ts'
import { tellMoment } from '../ports/moments.ts'
import { type Entry, type EntryOf, type Group, LEDGER_FORMAT, readEntry } from './ledger-entries.ts'
import { openLedgerFile } from './ledger-file.ts'
import { createAnnouncements, type Entries, idOf, type LedgerAnnouncements } from './ledger-sharing.ts'
import { applyEntry, emptyState, isJournal, type LedgerState, snapshotOf, tokensOf } from './ledger-state.ts'
import type { SharedEntry } from './shared-entries.ts'

/** What a ledger knows. */
export interface LedgerFacts {
  /** Where each log stands. */
  states(): LogState[]
  state(key: string): LogState | undefined
  /** Editions whose content is not on disk any more, but counts. */
  archived(): LogState[]
  /** Published editions of the journal's segments. */
  journalEditions(): LogState[]
  /** Transcripts are published, on whatever disk they are. */
  hasTranscripts(): boolean
  migrations(): Migration[]
  /** Tokens of a log that a run has published. */
  verifiedTokens(run: string, key: string): bigint
  /** The number of the latest publication or retirement: moves whenever what readers may see changes. */
  seq(): number
  /** Counts what switched what readers may see: runs that began or ended, retired logs. */
  generation(): number
  /** The group that a crash left halfway, and whether it was verified. */
  unsettled(): { group: Group; verified: boolean } | undefined
}

/** How logs are called in the store. */
export interface LogNames {
  id(): string
  /** Name of a log's edition in the store. */
  nameOf(edition: Edition): string
  /** Whether a log of the store was named by this ledger. */
  isOwn(name: string): boolean
  /** The edition of a log that was named by this ledger. */
  parseName(name: string): Edition
}

/** The numbers that a ledger gives. */
interface LedgerNumbers {
  /** The number of the next publication or retirement: also larger than those of a ledger that was lost. */
  nextSeq(): number
  nextBatch(): number
  /** The numbers that batches of this ledger may have: the first, and one past the last. */
  batchNumbers(): [from: number, to: number]
  /** A batch with this number was written already, whether the ledger knows of it or not. */
  skipBatch(batch: number): void
}

/** What is noted in a ledger: it is on disk when the call returns, and in the database when `kept` settles. */
interface LedgerNotes {
  plan(group: Group): void
  /** Every statement that writes the group has been answered. */
  sent(): void
  verified(): void
  abandon(): void
  saveMigration(migration: Migration): void
  /** Logs are called so from now on; or they are published up to here alone. */
  register(states: readonly LogState[]): void
  /** Editions that are not on disk count again: they came from a backup. */
  restored(editions: readonly LogState[], seq: number): void
  /** Editions that this ledger had forgotten count as archived; `next` are those with which their logs go on. */
  adopted(editions: readonly LogState[], next: readonly LogState[]): void
}

/**
 * What was shipped, fsynced, and told in the database: the truth about how far each log is published. A group goes
 * PLANNED → SENT → VERIFIED → PUBLISHED; one that a crash left halfway is settled by reading back.
 */
export interface Ledger extends LedgerFacts, LogNames, LedgerNumbers, LedgerNotes, LedgerAnnouncements {
  close(): void
}

/** The ledger belongs to another database than the one that it was opened with. */
export class OtherStoreError extends Error {
  readonly code = 'OTHER_DATABASE'
  constructor(path: string) {
    super(
      `${path} was written for another database: give back that database, or move the ledger away to ship everything anew`,
    )
    this.name = 'OtherStoreError'
  }
}

/** Batch numbers of a ledger begin with a number of its own, so that they are never used again after it is lost. */
const BATCHES_PER_LEDGER = 2 ** 32
const MAX_LEDGER_NUMBER = 2 ** 20
/** It is written anew when it has grown to this, and to several times what there is to write. */
const COMPACT_BYTES = 16 << 20
const WASTE_FACTOR = 4

/** `store` is the id of the database; `minSeq` a seq that it has already. */
export function openLedger(path: string, store: string, minSeq: number, compactBytes = COMPACT_BYTES): Ledger {
  const state = emptyState(0)
  const entries = openEntries(path, state, compactBytes)
  if (state.opened === undefined) entries.write(firstEntry(store))
  const opened = state.opened as unknown as EntryOf<'opened'>
  if (opened.store !== store) {
    entries.close()
    throw new OtherStoreError(path)
  }
  // an earlier release could misread what is written from here on, and is to refuse the file
  if ((opened.format ?? 1) < LEDGER_FORMAT) entries.write({ ...opened, format: LEDGER_FORMAT })
  const ownSeq = state.seq
  state.seq = Math.max(ownSeq, minSeq)
  const sharing = createAnnouncements(entries, state, ownSeq)
  return {
    ...factsOf(() => state),
    ...namesOf(() => idOf(state)),
    ...numbersOf(state, opened),
    ...notesInto(entries.write, sharing.tell, state),
    ...sharing.announcements,
    close: entries.close,
  }
}

const firstEntry = (store: string): Entry => ({
  kind: 'opened',
  ledger: randomUUID(),
  ledgerNumber: randomInt(1, MAX_LEDGER_NUMBER),
  store,
  format: LEDGER_FORMAT,
})

/** Applies what is in the file, and what is written into it from now on. */
function openEntries(path: string, state: LedgerState, compactBytes: number): Entries {
  let compactAt = compactBytes
  const file = openLedgerFile(path, (line) => applyEntry(state, readEntry(path, line)))
  const rewrite = (): void => {
    file.rewrite([state.opened, { kind: 'snapshot', snapshot: snapshotOf(state) } satisfies Entry])
    compactAt = Math.max(compactBytes, WASTE_FACTOR * file.size())
  }
  return {
    write(entry) {
      tellMoment(`ledger ${entry.kind}`, 'before')
      file.append(entry)
      tellMoment(`ledger ${entry.kind}`, 'after')
      applyEntry(state, entry)
      if (state.unsettled === undefined && file.size() >= compactAt) rewrite()
    },
    replace({ ledger, facts }) {
      const { opened, batches, seq } = state
      // names are those of the ledger that is gone on with; numbers of batches stay this one's own
      Object.assign(state, facts, {
        opened: { ...opened, ledger },
        batches,
        seq: Math.max(seq, facts.seq),
        unsettled: undefined,
      })
      rewrite()
    },
    close: file.close,
  }
}

export const factsOf = (state: () => LedgerState): LedgerFacts => ({
  states: () => [...state().states.values()],
  state: (key) => state().states.get(key),
  archived: () => state().archived,
  journalEditions: () =>
    [...state().states.values(), ...state().archived].filter((log) => isJournal(log) && log.publishedTo > 0),
  hasTranscripts: () => hasPublishedTranscript(state().states.values()) || hasPublishedTranscript(state().archived),
  migrations: () => [...state().migrations.values()],
  verifiedTokens: (run, key) => state().tokens.get(tokensOf(run, key)) ?? 0n,
  seq: () => state().seq,
  generation: () => state().generation,
  unsettled: () => state().unsettled,
})

/** Looks no further than the first. */
function hasPublishedTranscript(logs: Iterable<LogState>): boolean {
  for (const log of logs) if (log.publishedTo > 0 && !isJournal(log)) return true
  return false
}

export const namesOf = (id: () => string): LogNames => ({
  id,
  nameOf: ({ key, edition }) => formatLogName({ ledger: id(), key, edition }),
  isOwn: (name) => parseLogName(name)?.ledger === id(),
  parseName(name) {
    const parsed = parseLogName(name)
    if (parsed?.ledger !== id()) throw new Error(`${name} is no log of this ledger`)
    return { key: parsed.key, edition: parsed.edition }
  },
})

function numbersOf(state: LedgerState, { ledgerNumber }: EntryOf<'opened'>): LedgerNumbers {
  const firstBatch = ledgerNumber * BATCHES_PER_LEDGER
  let issued = 0
  return {
    nextSeq: () => (issued = Math.max(state.seq + 1, issued + 1, Date.now())),
    nextBatch: () => firstBatch + state.batches,
    batchNumbers: () => [firstBatch, firstBatch + BATCHES_PER_LEDGER],
    skipBatch(batch) {
      state.batches = Math.max(state.batches, batch + 1 - firstBatch)
    },
  }
}

type Write = (entry: Entry) => void

function notesInto(write: Write, tell: (entry: SharedEntry) => void, state: LedgerState): LedgerNotes {
  const writeAndTell = (entry: Entry & SharedEntry): void => {
    write(entry)
    tell(entry)
  }
  return {
    plan: (group) => write({ kind: 'planned', group }),
    sent: () => write({ kind: 'sent' }),
    verified: () => write({ kind: 'verified' }),
    abandon: () => write({ kind: 'abandoned' }),
    saveMigration: (migration) => writeAndTell({ kind: 'migration', migration }),
    register(states) {
      if (states.length > 0) writeAndTell({ kind: 'registered', states: [...states] })
    },
    restored: (editions, seq) => writeAndTell({ kind: 'restored', editions: [...editions], seq }),
    adopted(editions, next) {
      writeAndTell({ kind: 'restored', editions: [...editions], seq: state.seq })
      writeAndTell({ kind: 'retired', states: [...next], seq: state.seq })
    },
  }
}
