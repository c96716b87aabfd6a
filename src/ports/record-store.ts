import type { Scope } from '../domain/scope.ts'
import type { CountField } from '../domain/token-counts.ts'
import type { TokenAnswer, TokenQuery } from '../domain/token-query.ts'
import type { PlacedCopy, RecordCopy } from '../domain/token-record.ts'
import type { GroupedRow, RowGroup } from './logs.ts'

/** Records of one log that go into the store together, at most 1000. */
export interface RecordBatch {
  /** Counts up through the life of a ledger; never used again. */
  batch: number
  /** Edition of a log. */
  log: string
  /** A migration's id, or `live`. */
  run: string
  records: readonly RecordCopy[]
}

/** An error that only the content of what was written can cause. */
export interface RefusedRows extends Error {
  readonly refusesRows: true
}

/** What a batch holds, as the store or as the sender says. Equal only if every record is equal. */
export interface BatchSummary extends Record<CountField, bigint> {
  records: number
  identities: number
  /** SHA-256 of all records' texts (`recordText`), in the order of their places; with its version (`digestVersion`). */
  digest: string
}

/** A batch as it is published, with the evidence of what it was verified to hold. */
export interface PublishedBatch {
  batch: number
  log: string
  run: string
  records: number
  /** `BatchSummary.digest`. */
  digest: string
  /** Of all kinds, as decimal text. */
  tokens?: string
  /** Places of its first and last record in the log. */
  firstPosition?: number
  lastPosition?: number
}

/**
 * Where verified records are kept and counted: ClickHouse. Nothing that is written is seen by readers before it is
 * published. What changes what they see throws CONFLICT once another process has taken the right to publish.
 */
export interface RecordStore {
  /** Names this store: another one, or an emptied one, has another id. */
  id(): Promise<string>
  /** The largest `seq` that was ever published; 0 before. */
  lastSeq(): Promise<number>
  /** The largest number, from `from` up to but not including `to`, that a batch was written under; `undefined` without one. */
  lastBatch(from: number, to: number): Promise<number | undefined>
  /**
   * In one statement, all of them or none; to be read back whatever it says. Throws a `RefusedRows` where what is in the
   * records is the reason, now and whenever they come again.
   */
  write(batches: readonly RecordBatch[]): Promise<void>
  /**
   * What the store holds of these batches; those it knows nothing of are absent. `version` is that of the digests,
   * absent: `TEXT_VERSION`.
   */
  readBack(batches: readonly number[], version?: number): Promise<Map<number, BatchSummary>>
  /**
   * Makes batches count: of each of their identities the winner among all published copies becomes visible, all
   * of them at once. `seq` is larger than in any call before. May be repeated.
   */
  publish(batches: readonly PublishedBatch[], seq: number): Promise<void>
  /** Makes all batches of these logs count no more: what they hid comes out again. May be repeated. */
  retire(logs: readonly string[], seq: number): Promise<void>
  /** The same for batches alone. */
  retireBatches(batches: readonly number[], seq: number): Promise<void>
  /** Chooses winners for identities that have a published copy and none; takes nothing out. May be repeated. */
  electMissing(seq: number): Promise<void>
  /** Chooses all winners anew, with all that follows from them, and shows them at once. */
  rebuildWinners(seq: number): Promise<void>
  /** The same of what follows from the winners alone: readers see the same as before, and what was wrong of it is gone. */
  rebuildSums(seq: number): Promise<void>
  /**
   * A step of making what follows from winners that a release before this one has chosen, while readers sum the winners.
   * Returns whether there is more to do. To be called while nothing is published; `seq` as in a publication.
   */
  fillSums(seq: number): Promise<boolean>
  /**
   * Makes everything that came from transcripts count no more, and drops it, but for the `kept` logs and those that
   * were kept before: they stay as evidence until `publishKept`. `none` drops those, too. May be repeated.
   */
  rollBack(kept: readonly string[] | 'none', seq: number): Promise<void>
  /** Makes what rollbacks have kept count again. */
  publishKept(seq: number): Promise<void>
}

/** A batch whose copies are not those that were verified. */
export interface DamagedBatch {
  batch: number
  log: string
  /** Places in the log, and records: as published, and as found. */
  firstPosition: number
  lastPosition: number
  records: number
  found: number
}

/** Records of a log that is published, or kept by a rollback. */
export interface LogStock {
  log: string
  /** By its batches. */
  noted: number
  /** Copies of these batches. */
  found: number
  /** Place of the last of its records. */
  lastPosition: number
}

/** What is published, to be held against what the logs say, and against its own evidence. */
export interface PublishedEvidence {
  /** Names of the logs that have published batches. */
  logs(): Promise<string[]>
  /** Identities with a published copy in these logs and in others, too; 16 bytes each. */
  sharedBy(logs: readonly string[]): Promise<Uint8Array>
  /** What counts of all logs but these, without some identities. */
  groups(butLogs: readonly string[], without: Uint8Array): Promise<RowGroup[]>
  rows(log: string, day: number, without: Uint8Array): Promise<GroupedRow[]>
  /**
   * What these logs add to the tokens that count, as far as they are within one of the scopes: of identities with a copy
   * in them, and not in `without` (16 bytes each), the tokens that count, less those that would without these logs.
   */
  tokensAddedBy(logs: readonly string[], access: readonly Scope[], without: Uint8Array): Promise<bigint>
  /** Published and kept batches, in the order of their numbers. */
  batches(): Promise<PublishedBatch[]>
  /** The copies of some batches, by batch; in the order of their places. */
  copies(batches: readonly number[]): Promise<Map<number, RecordCopy[]>>
  /** Published and kept batches whose copies are not what was verified. */
  damaged(): Promise<DamagedBatch[]>
  /** Those of `logs` that have a published batch which cannot be shown to be what was verified. */
  unverified(logs: readonly string[]): Promise<string[]>
  /** Batches that count no more, whose copies are still there. */
  retired(): Promise<PublishedBatch[]>
  /** Those of some batches whose copies can be shown to be what was verified. */
  intact(batches: readonly PublishedBatch[]): Promise<PublishedBatch[]>
  /** How many records each published or kept log has, by its batches and by its copies: a few columns are read. */
  stock(): Promise<LogStock[]>
  /** Whether fewer identities are counted than there are among the published copies. */
  hasFewerWinners(): Promise<boolean>
  /** Whether readers count something else of what several users brought in than follows from the published copies. */
  ownersDiffer(): Promise<boolean>
  /** Records of these logs that readers still count though their copies are gone. */
  countedWithoutCopy(logs: readonly string[]): Promise<number>
  /** Whether what readers count is not what follows from the published copies. */
  winnersDiffer(): Promise<boolean>
  /**
   * Whether the sums that readers are answered from lack something, or were made by a release that makes them otherwise: a
   * few columns are read. Where none were made yet they lack nothing: nobody reads them.
   */
  sumsAreBehind(): Promise<boolean>
  /** Whether these sums are not those of the winners; `null` where nobody reads them, since they are not all there yet. */
  sumsDiffer(): Promise<boolean | null>
}

/** What another source has something of, too: it can be neither counted nor cut off by one of them alone. */
export interface Beside {
  /** Told in `sessions` where pages are asked for, and in no page; not in `sessionCount`. */
  sessions: readonly string[]
  /** Of breakdowns, by `breakdownKey`: values in the order of its dimensions. Told beside the first of all others. */
  combinations: Readonly<Record<string, readonly (readonly string[])[]>>
}

export interface PublishedQuery extends TokenQuery {
  beside?: Beside
}

/** What is asked, and what whoever asks may see: only what is within one of the scopes is summed. */
export interface PublishedRequest {
  queries: readonly PublishedQuery[]
  access: readonly Scope[]
  /** Names of logs: winners that are copies in these are left out. */
  withoutLogs?: readonly string[]
}

/** What is published, summed. */
export interface PublishedRecords {
  /**
   * One answer for each query, without the identities in `excluded` (16 bytes each). Each statement of it runs `inTurn`:
   * what others ask comes in between, however many queries there are.
   */
  answer(asked: PublishedRequest, excluded: Uint8Array, inTurn?: StatementTurn): Promise<TokenAnswer[]>
  /**
   * The published copies that some identities (16 bytes each) have in some logs. Throws SOURCE_UNAVAILABLE where there are
   * too many to be told.
   */
  copiesIn(logs: readonly string[], identities: Uint8Array, inTurn?: StatementTurn): Promise<PlacedCopy[]>
}

/** Runs a statement when it is the turn of whoever asks. */
export type StatementTurn = <T>(statement: () => Promise<T>) => Promise<T>
