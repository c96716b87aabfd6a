import type { RecordCopy } from '../domain/token-record.ts'

/** What a log's first bytes must still look like to be the same log. */
export interface LogFingerprint {
  /** Bytes that it was taken of. */
  counted: number
  sha256: string
}

/** How far a log is published, as the ledger keeps it. */
export interface LogState {
  /** `device:inode` of a transcript, or `journal:SEGMENT`. */
  key: string
  /** Counts up when other content stands at the key, or the log got another name: each edition is shipped anew. */
  edition: number
  path: string
  root: string
  relativePath: string
  fingerprint: LogFingerprint
  /** All records that begin before this byte are published. */
  publishedTo: number
  /** Of the last line, where it was published without its end: SHA-256 of its records, by which it is known again. */
  tail?: string
}

/** The next records of one log. */
export interface LogRange {
  /** The log's state once the range is published. */
  state: LogState
  /** First byte; the end is `state.publishedTo`. */
  from: number
  /** At most 1000 records each, in the order of the log. */
  batches: RecordCopy[][]
  /** Tokens of those records that count now. */
  winnerTokens: bigint
}

/** Which logs may be shipped: the journal, and transcripts up to a byte each, or all of them. */
export interface LogSelection {
  journal: boolean
  transcripts: 'none' | 'all' | ReadonlyMap<string, number>
}

/** A log of a catalogue. */
export interface CatalogueEntry {
  key: string
  path: string
  /** The records that begin before this byte are carried. */
  to: number
  /** Records of it that are carried, and the tokens of those that count: others are duplicates. */
  records: number
  tokens: bigint
}

/** The logs, as shipping needs them. */
export interface ShippableLogs {
  /** The next ranges of at most `maxRecords` records; none where all that is selected is published. */
  nextRanges(selection: LogSelection, maxRecords: number): Promise<LogRange[]>
  /** Editions that count no more: the log got another name, or a line that had no end was changed. */
  retired(): Promise<LogState[]>
  /** Tells what the ledger knows: at the start, before anything is shipped, and what is published or retired from now on. */
  update(states: readonly LogState[]): Promise<void>
  /** What there is to carry now: transcripts alone. */
  catalogue(): Promise<CatalogueEntry[]>
  /** Bytes of all logs that are not published, as of the last change. */
  unshippedBytes(): number
  /** Called whenever there may be something new. */
  onChange(listener: () => void): void
}
