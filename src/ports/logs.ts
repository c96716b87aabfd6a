import type { LogIdentity } from '../domain/log-name.ts'
import type { LabelField } from '../domain/record-fields.ts'
import type { CountField } from '../domain/token-counts.ts'
import type { RecordCopy } from '../domain/token-record.ts'

/** A hash of the bytes that a log had around the counted part, which whoever has the file itself knows it by. */
export interface LogFingerprint {
  /** Bytes that it was taken of: all whole lines. */
  counted: number
  sha256: string
}

/** The first bytes of a log: how many, and their SHA-256 in hexadecimal. */
export interface ContentDigest {
  to: number
  sha256: string
}

/** How a log is registered, and how far it is published, as the ledger keeps it. */
export interface LogState extends Pick<LogIdentity, 'key' | 'path'> {
  /** Of a transcript; a release before this one did not say. */
  user?: string
  host?: string
  /** Counts up when what was published counts no more: each edition is shipped anew. */
  edition: number
  /** Under its root, where it was registered: says its project. */
  relativePath: string
  /** `device:inode` of the file that stood there: a hint alone, as other disks have other numbers. */
  inode?: string
  fingerprint: LogFingerprint
  /**
   * By which any instance knows the log on its own disk: all whole lines up to `publishedTo`, or, where nothing is
   * published, what was registered. A release before this one did not say, and knew it by `fingerprint` and inode.
   */
  content?: ContentDigest
  /** Its beginning, by which a log is looked for that has another name. */
  head?: ContentDigest
  /** All records that begin before this byte are published. */
  publishedTo: number
  /** Of the last line, where it was published without its end: SHA-256 of its records, by which it is known again. */
  tail?: string
  /** Places before `publishedTo` whose records the database refused: they are not published, and counted from the log. */
  setAside?: number[]
  /** Records of this edition that are published; a release before this one did not say. */
  records?: number
  /** Tokens of those of its records that counted when they were published, as decimal text; an earlier release did not say. */
  tokens?: string
  /** Of a segment of the journal: ranges before `publishedTo` that could not be read, first byte and one past the last. */
  unreadable?: (readonly [number, number])[]
}

/** Places of a log whose records the database refused. */
export interface RefusedPlaces {
  key: string
  positions: readonly number[]
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
  /** SHA-256 of the bytes before `to`, in hexadecimal; empty where they could not be read. */
  sha256: string
  /** Records of it that are carried, and the tokens of those that count. */
  records: number
  tokens: bigint
  /** Lines whose record counts elsewhere: within the log itself, or by the path of the log that owns the winner. */
  duplicates: { own: number; owners: Record<string, number> }
  /** Lines that were refused, by reason. */
  refused: Record<string, number>
}

/** What counts of one log on one UTC day, of records that are equal in all their labels. */
export interface RowGroup extends Record<CountField, bigint>, Record<LabelField, string> {
  /** `LogState.key` and edition, or the name of the log in the store. */
  log: string
  /** Days since 1970. */
  day: number
  records: number
  /** Sum of the rows' checksums modulo 2^32. */
  checksum: number
}

/** One row of a group, as it is compared when its group differs. */
export interface GroupedRow {
  /** 32 hexadecimal digits. */
  identity: string
  /** Byte offset of its line. */
  position: number
  tokens: number
  /** Row checksum, and the labels that groups are made by: equal only if the rows are. */
  content: string
}

/** Which rows of the logs are compared: those of a day in one log. */
export interface LogDay {
  key: string
  day: number
}

/** What the logs say is published. */
export interface PublishedGroups {
  groups: RowGroup[]
  /** Identities with a copy that is not published, 16 bytes each: they are in no group. */
  unpublished: Uint8Array
}

/** The logs, as shipping needs them. */
export interface ShippableLogs {
  /**
   * The next ranges of at most `maxRecords` records; none where all that is selected is published. `after` has the
   * bytes, by log, up to which a dry run has come.
   */
  nextRanges(selection: LogSelection, maxRecords: number, after?: ReadonlyMap<string, number>): Promise<LogRange[]>
  /** Editions that count no more: the log is in another project now, or a line that had no end was changed. */
  retired(): Promise<LogState[]>
  /** Tells what the ledger knows: at the start, before anything is shipped, and what is published or retired from now on. */
  update(states: readonly LogState[]): Promise<void>
  /** What there is to carry now: transcripts alone. */
  catalogue(): Promise<CatalogueEntry[]>
  /**
   * How transcripts are to be registered, so that every instance calls them alike: `new`, those that are not yet;
   * `old`, those that a release before registered by nothing that another disk has, too.
   */
  registrations(which: 'new' | 'old'): Promise<LogState[]>
  /** Published editions of transcripts whose content is not on disk any more, but for those that the ledger lists already. */
  archived(): Promise<LogState[]>
  /**
   * Which of these editions no file on disk is, by name and content. To be asked while `update` has told nothing of
   * them, as nobody knows what the database has; a file that grew after it was moved to another disk is not known again.
   */
  absent(states: readonly LogState[]): Promise<LogState[]>
  /** How many logs are other files here than where they were registered: their bytes show that they are the same. */
  elsewhere(): Promise<number>
  /** Those of some logs that can be read now. */
  readable(keys: readonly string[]): Promise<string[]>
  /** What should be found published, without these identities (16 bytes each). */
  publishedGroups(without: Uint8Array): Promise<PublishedGroups>
  publishedRows(of: LogDay, without: Uint8Array): Promise<GroupedRow[]>
  /** The lines, counted from 1, in which these bytes of a log are. */
  linesAt(key: string, positions: readonly number[]): Promise<number[]>
  /** What is published of these logs is not to be believed: their editions are retired and shipped anew. */
  distrust(keys: readonly string[]): Promise<void>
  /** The database refuses the records at these places: they are left out from now on, and count as not published. */
  setAside(refused: readonly RefusedPlaces[]): Promise<void>
  /** Bytes of all logs that are not published, as of the last change. */
  unshippedBytes(): number
  /** Calls whenever there may be something new, until what it returns is called. */
  onChange(listener: () => void): () => void
}
