import type { ErrorCode } from '../../domain/errors.ts'
import type {
  CatalogueEntry,
  GroupedRow,
  LogDay,
  LogRange,
  LogSelection,
  LogState,
  PublishedGroups,
  RefusedPlaces,
} from '../../ports/logs.ts'
import type { SourceAnswer, SourceRequest, UnpublishedAnswer } from '../../ports/token-source.ts'
import type { Root } from '../../transcripts/roots.ts'
import type { JournaledRange } from '../table/journal-update.ts'
import type { InParts } from './answer-parts.ts'

/** How the analysis thread is started. */
export interface ThreadOptions {
  roots: Root[]
  indexPath: string
  scanThreads: number
  rescanIntervalMs: number
}

/** What is asked of the thread, and what it answers. */
export interface Calls {
  answer: [request: SourceRequest, answer: InParts<SourceAnswer>]
  answerUnpublished: [request: SourceRequest, answer: InParts<UnpublishedAnswer>]
  update: [states: readonly LogState[], answer: undefined]
  nextRanges: [
    asked: { selection: LogSelection; maxRecords: number; after?: ReadonlyMap<string, number> | undefined },
    answer: LogRange[],
  ]
  retired: [asked: undefined, answer: LogState[]]
  catalogue: [asked: undefined, answer: Omit<CatalogueEntry, 'sha256'>[]]
  archived: [asked: undefined, answer: LogState[]]
  readable: [keys: readonly string[], answer: string[]]
  publishedGroups: [without: Uint8Array, answer: PublishedGroups]
  publishedRows: [asked: { of: LogDay; without: Uint8Array }, answer: GroupedRow[]]
  distrust: [keys: readonly string[], answer: undefined]
  setAside: [refused: readonly RefusedPlaces[], answer: undefined]
  pathOf: [key: string, answer: string | undefined]
}

export type CallName = keyof Calls

export type ToThread =
  | { [Name in CallName]: { kind: 'call'; id: number; caller: string; name: Name; asked: Calls[Name][0] } }[CallName]
  /** The journal's entries up to now were sent: the first look can begin. */
  | { kind: 'begin'; maySample: boolean }
  | { kind: 'journaled'; ranges: JournaledRange[] }
  /** Something changed on disk. */
  | { kind: 'changed' }
  | { kind: 'close' }

export type FromThread =
  | { kind: 'answered'; id: number; answer: Calls[CallName][1] }
  | { kind: 'failed'; id: number; message: string; code: ErrorCode | undefined }
  | { kind: 'status'; status: AnalysisStatus }
  | { kind: 'closed' }

/** How the analysis stands; sent at each change. */
export interface AnalysisStatus {
  /** The first look at all transcripts is done: questions can be answered. */
  ready: boolean
  transcripts: number
  /** Identities that are counted. */
  records: number
  bytesTotal: number
  bytesDone: number
  /** Bytes read and refreshes done since the start. */
  bytesRead: number
  refreshes: number
  /** Of the last refresh; 0 before. Milliseconds since 1970, and its length. */
  refreshedAt: number
  refreshMs: number
  /** How far the transcripts are counted. */
  watermark: string
  /** Ranges of the journal that are counted, of those that were sent to the thread. */
  journaled: number
  /** Bytes of logs that are not published in ClickHouse. */
  unshippedBytes: number
  unreadable: string[]
  indexState: string
  /** Why the index is not used. */
  indexProblem: string | undefined
  /** The sample answers, because there are no transcripts. */
  sample: boolean
}
