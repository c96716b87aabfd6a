import type { Scope } from '../../domain/scope.ts'
import type { GroupedRow, LogDay, LogSelection, LogState, PublishedGroups, RefusedPlaces } from '../../ports/logs.ts'
import type { TitledSession } from '../../ports/session-titles.ts'
import type {
  PublishedInFilesAnswer,
  PublishedInFilesRequest,
  SourceAnswer,
  SourceRequest,
  UnpublishedAnswer,
  UnpublishedRequest,
} from '../../ports/token-source.ts'
import type { CountedEntry, EntryToHash, RangeToDigest, StateToDigest } from '../analysis.ts'
import type { Digested, DigestRequest } from '../scanning/digesting.ts'
import type { JournaledRange } from '../table/journal-update.ts'
import type { InParts } from './answer-parts.ts'

/** What is asked of the analysis, and what it answers. */
export interface Calls {
  answer: [request: SourceRequest, answer: InParts<SourceAnswer>]
  answerUnpublished: [request: UnpublishedRequest, answer: InParts<UnpublishedAnswer>]
  answerPublished: [request: PublishedInFilesRequest, answer: InParts<PublishedInFilesAnswer>]
  update: [states: readonly LogState[], answer: undefined]
  nextRanges: [
    asked: { selection: LogSelection; maxRecords: number; after?: ReadonlyMap<string, number> | undefined },
    answer: RangeToDigest[],
  ]
  retired: [asked: undefined, answer: LogState[]]
  catalogue: [asked: undefined, answer: EntryToHash[]]
  registrations: [which: 'new' | 'old', answer: StateToDigest[]]
  unproven: [asked: undefined, answer: DigestRequest[]]
  proven: [digested: readonly Digested[], answer: undefined]
  archived: [asked: undefined, answer: LogState[]]
  absent: [states: readonly LogState[], answer: LogState[]]
  elsewhere: [asked: undefined, answer: number]
  readable: [keys: readonly string[], answer: string[]]
  publishedGroups: [without: Uint8Array, answer: PublishedGroups]
  publishedRows: [asked: { of: LogDay; without: Uint8Array }, answer: GroupedRow[]]
  distrust: [keys: readonly string[], answer: undefined]
  setAside: [refused: readonly RefusedPlaces[], answer: undefined]
  pathOf: [key: string, answer: string | undefined]
  titles: [asked: { sessions: readonly TitledSession[]; access: readonly Scope[] }, answer: (string | undefined)[]]
  conflictsOf: [entry: CountedEntry, answer: number]
}

export type CallName = keyof Calls

/** The analysis as a service: in this thread (`createAnalysisService`), or in one of its own (`startAnalysisThread`). */
export interface AnalysisService {
  /**
   * Asks, in turn with other callers. Rejects with a `BridgeError` where whoever asked may be told why; any other error
   * is a mistake of the analysis, which was told to `onBug`. Never settles once the service has ended.
   */
  call<Name extends CallName>(name: Name, asked: Calls[Name][0], caller: string): Promise<Calls[Name][1]>
  /** Counts entries of the journal. What cannot be counted ends the service: a new one begins with the whole journal. */
  addJournaled(ranges: readonly JournaledRange[]): void
  /** All entries of the journal up to now were added: the first look can begin. */
  begin(maySample: boolean): void
  /** Something changed on disk. */
  changed(): void
  /** Settles when the index can be opened by the next one. `onEnd` does not hear of it. */
  close(): Promise<void>
}

/** What the service tells by itself. */
export interface ServiceListeners {
  /** How the analysis stands: at each change, and before the answer to whoever asked after the change. */
  onStatus(status: AnalysisStatus): void
  /** A mistake of the analysis itself, with its stack. The service goes on. */
  onBug(error: Error): void
  /** The service has ended and will not answer any more. */
  onEnd(error: Error): void
}

/** Who the bridge itself is among callers: no user has this name. */
export const BRIDGE = ''

/** How the analysis stands; told at each change. */
export interface AnalysisStatus {
  /** The first look at all transcripts is done: questions can be answered. */
  ready: boolean
  transcripts: number
  /** Identities that are counted. */
  records: number
  /** Copies that conflict with those that count. */
  conflicts: number
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
  /** Ranges of the journal that are counted, of those that were added. */
  journaled: number
  /** Bytes of logs that are not published in ClickHouse. */
  unshippedBytes: number
  /** Files of which something must be read to say which log they are, or how far that is published. */
  unproven: number
  unreadable: string[]
  indexState: string
  /** Why the index is not used. */
  indexProblem: string | undefined
  /** The sample answers, because there are no transcripts. */
  sample: boolean
}
