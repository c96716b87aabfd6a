import type { CorpusQuality } from '../domain/corpus-quality.ts'
import type { Edition } from '../domain/log-name.ts'
import type { Scope } from '../domain/scope.ts'
import type { DataSource } from '../domain/source.ts'
import type { TokenAnswer, TokenQuery } from '../domain/token-query.ts'
import type { PlacedCopy } from '../domain/token-record.ts'

export interface SourceRequest {
  queries: readonly TokenQuery[]
  /** What whoever asks may see: only what is within one of these is looked at, whatever is asked. */
  access: readonly Scope[]
  /** Whether the quality of the corpus is asked for, too. */
  quality: boolean
  /** As it was when the source was chosen: where what readers see was switched since, the choice does not hold. */
  generation?: number | undefined
}

/** Everything in it is of one moment. */
export interface SourceAnswer {
  /** One for each query. */
  answers: TokenAnswer[]
  quality: CorpusQuality | undefined
  /** Milliseconds since 1970. */
  asOf: number
  /** How far the logs were counted: the same for the same state of them. */
  watermark: string
  sample: boolean
}

export interface UnpublishedRequest extends SourceRequest {
  /** Published copies that this disk has not: they take part where their identities are answered here. */
  beyond: readonly PlacedCopy[]
}

/**
 * What the files say of the identities that ClickHouse does not have all of. `quality.archivedTokens` is what copies of
 * `beyond` add to these, within the scopes.
 */
export interface UnpublishedAnswer extends SourceAnswer {
  /** 16 bytes each: the identities that ClickHouse must leave out, because they are answered here. */
  identities: Uint8Array
  /** Published editions that this disk has not, or not as far as they are published: ClickHouse alone has their copies. */
  lacking: Edition[]
}

/** The files, as far as they must be asked beside ClickHouse. Of one moment. */
export interface UnpublishedRecords {
  answerUnpublished(request: UnpublishedRequest, caller?: string): Promise<UnpublishedAnswer>
}

export interface PublishedInFilesRequest extends Pick<SourceRequest, 'queries' | 'access'> {
  /** 16 bytes each: identities that are left out, too. */
  without: Uint8Array
}

/** What the files say of the identities that ClickHouse has all of. */
export interface PublishedInFilesAnswer extends SourceAnswer {
  /** 16 bytes each: the identities that are not all published. They are in no answer. */
  identities: Uint8Array
  /** Published editions that this disk has not, or not as far as they are published. */
  lacking: Edition[]
  /** Of a log that is published further than this disk has it, or than it was compared: nothing can be said of it. */
  isBehind: boolean
}

/** The files, as far as they can be compared with ClickHouse. Of one moment. */
export interface PublishedInFiles {
  answerPublished(request: PublishedInFilesRequest, caller?: string): Promise<PublishedInFilesAnswer>
}

/**
 * One side that can answer token metrics. Throws a `BridgeError` where it cannot. Of pages and breakdowns it tells what
 * they begin with, or all that they follow from: `reading/told.ts` reads both.
 */
export interface TokenSource {
  readonly source: DataSource
  /** Names the logs that it counts: instances with the same name may share answers. */
  readonly world: string
  /** `caller` is the user who waits for it: callers take turns, so that none delays another. Absent: the bridge itself. */
  answer(request: SourceRequest, caller?: string): Promise<SourceAnswer>
  /** The request that it answers in place of another: those with the same one share an answer. Absent: each its own. */
  asked?(request: SourceRequest): SourceRequest
  /** How far the logs are counted now; `undefined` while it cannot answer. */
  counted(): { watermark: string; asOf: number } | undefined
  health(): SourceHealth
}

export interface SourceHealth {
  state: 'UP' | 'DEGRADED' | 'DOWN'
  detail: string
  /** Milliseconds since something was heard of it; absent where it is a part of this process. */
  ageMs?: number | undefined
}
