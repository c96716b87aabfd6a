import type { CorpusQuality } from '../domain/corpus-quality.ts'
import type { DataSource } from '../domain/source.ts'
import type { TokenAnswer, TokenQuery } from '../domain/token-query.ts'

export interface SourceRequest {
  queries: readonly TokenQuery[]
  /** Whether the quality of the corpus is asked for, too. */
  quality: boolean
}

/** Everything in it is of one moment. */
export interface SourceAnswer {
  /** One for each query. */
  answers: TokenAnswer[]
  quality: CorpusQuality | undefined
  /** Milliseconds since 1970. */
  asOf: number
  sample: boolean
}

/** One side that can answer token metrics. Throws a `BridgeError` where it cannot. */
export interface TokenSource {
  readonly source: DataSource
  answer(request: SourceRequest): Promise<SourceAnswer>
  health(): SourceHealth
}

export interface SourceHealth {
  state: 'UP' | 'DEGRADED' | 'DOWN'
  detail: string
}
