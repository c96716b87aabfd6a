import type { Migration } from '../domain/migration.ts'
import type { LogState } from '../ports/logs.ts'
import type { PublishedBatch } from '../ports/record-store.ts'

// What is written into a ledger. The names of kinds and members are on disk: they stay.

/** Batches that are published together, and how far their logs are published then. */
export interface Group {
  batches: PublishedBatch[]
  states: LogState[]
  /** A migration's id, or `NO_RUN`. */
  run: string
  /** Of each of `states`: tokens of those of its records that count, as decimal text. */
  tokens: string[]
}

/** The run of everything that is shipped outside of a migration. */
export const NO_RUN = 'live'

export type Entry =
  /**
   * The first of each ledger, and the first that a later release writes: `format` is `LEDGER_FORMAT` of that release.
   */
  | { kind: 'opened'; ledger: string; ledgerNumber: number; store: string; format?: number }
  /** A group is about to be sent. */
  | { kind: 'planned'; group: Group }
  /**
   * Every statement that writes it was answered. Nothing follows from it; it helps whoever reads the file after a
   * crash.
   */
  | { kind: 'sent' }
  /** What was read back of it is what was sent. */
  | { kind: 'verified' }
  /** It counts. */
  | { kind: 'published'; seq: number }
  /** It never will: its ranges are sent again, under other numbers. */
  | { kind: 'abandoned' }
  /** Logs go on with these editions, because those before count no more. None: something else was switched. */
  | { kind: 'retired'; states: LogState[]; seq: number }
  /** How logs are called, and known by, on every disk; or one goes on from where the database has it. */
  | { kind: 'registered'; states: LogState[] }
  /** A run began, or its state changed. */
  | { kind: 'migration'; migration: Migration }
  /** Nothing of the transcripts counts any more; `kept` are archived editions whose copies stay as evidence. */
  | { kind: 'rolledBack'; migration: Migration; kept: LogState[]; seq: number }
  /** Editions count that are not on disk. */
  | { kind: 'restored'; editions: LogState[]; seq: number }
  /** Stands for everything before it: the file was written anew, because it had grown. */
  | { kind: 'snapshot'; snapshot: Snapshot }

export type EntryOf<Kind extends Entry['kind']> = Extract<Entry, { kind: Kind }>

/** All that a ledger knows between two groups. */
export interface Snapshot {
  states: LogState[]
  archived: LogState[]
  migrations: Migration[]
  /** By run and log, as decimal text. */
  tokens: [string, string][]
  batches: number
  seq: number
  generation: number
}

/**
 * Goes up where a release before would misread what is written from then on. A release reads all formats up to its own.
 * 1: batches without digests, no runs that are planned, no rollbacks. 2: digests without a version. 3: with one. 4: logs
 * that are registered, and called by something that every disk has.
 */
export const LEDGER_FORMAT = 4

/** A later release wrote the ledger: what it says would be misread. */
export class LaterLedgerError extends Error {
  readonly code = 'LATER_LEDGER'
  constructor(path: string, what: string) {
    super(
      `${path} was written by a later release (${what}): start that release, or give back the ledger from before it`,
    )
    this.name = 'LaterLedgerError'
  }
}

const KINDS: Record<Entry['kind'], true> = {
  opened: true,
  planned: true,
  sent: true,
  verified: true,
  published: true,
  abandoned: true,
  retired: true,
  registered: true,
  migration: true,
  rolledBack: true,
  restored: true,
  snapshot: true,
}

/** A line of the ledger at `path`, whose checksum has shown that it is ours. Throws `LaterLedgerError`. */
export function readEntry(path: string, line: unknown): Entry {
  const entry = line as Entry
  if (!Object.hasOwn(KINDS, entry.kind)) throw new LaterLedgerError(path, entry.kind)
  if (entry.kind === 'opened' && (entry.format ?? 1) > LEDGER_FORMAT)
    throw new LaterLedgerError(path, `format ${entry.format}`)
  return entry
}
