import type { Principal } from '../access/roles.ts'
import type { PriceOf } from '../domain/cost.ts'
import type { SourceDecision } from '../domain/source.ts'
import type { AnswerCache } from '../ports/answer-cache.ts'
import type { TokenSource } from '../ports/token-source.ts'
import type { Answers } from '../reading/answers.ts'
import type { Ingest } from '../writing/ingest.ts'

/** What resolvers get: made once for each request. */
export interface RequestContext {
  requestId: string
  principal: Principal
  decision: SourceDecision
  answers: Answers
  priceOf: PriceOf
  source: TokenSource
  cache: AnswerCache
  ingest: Ingest
}
