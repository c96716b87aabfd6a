import { BridgeError, isRefusal } from '../domain/errors.ts'
import type { CacheStatus, DataSource } from '../domain/source.ts'
import { inSpan } from '../ports/spans.ts'
import type { SourceAnswer, SourceRequest } from '../ports/token-source.ts'
import type { CachedSource } from './cached-source.ts'
import type { Decision } from './decision.ts'

export interface SourcesAsked {
  /** The user who asks. */
  caller?: string
  /** `undefined`: there is no such source now. */
  sourceOf: (source: DataSource) => CachedSource | undefined
  /** There are none here though some are published: what the files say is stale, and stands in for no other source. */
  lacksTranscripts?: boolean
  /** The chosen source failed; the files answer instead. */
  onFallback: (source: DataSource, error: unknown) => void
}

/** By which source, and why it was that one. */
interface AnsweredBy {
  answer: SourceAnswer
  cache: CacheStatus
  state?: string | undefined
  decision: Decision
}

/**
 * From the chosen source; where it fails, or the guard trips before it has answered, the whole answer from the files,
 * never a part of it. A refusal is no failure.
 */
export const answerFrom = (
  asked: SourcesAsked,
  decision: Decision,
  decideAgain: () => Decision,
  request: SourceRequest,
): Promise<AnsweredBy> =>
  inSpan('resolve', factsOf(decision), async (tell) => {
    const by = await fromOneSource(asked, decision, decideAgain, request)
    tell({ ...factsOf(by.decision), cache: by.cache })
    return by
  })

const factsOf = ({ source, reason, cohort }: Decision) => ({ source, reason, cohort: cohort ?? 'none' }) as const

async function fromOneSource(
  { sourceOf, onFallback, caller, lacksTranscripts = false }: SourcesAsked,
  decision: Decision,
  decideAgain: () => Decision,
  request: SourceRequest,
): Promise<AnsweredBy> {
  const fromFiles = async (by: Decision): Promise<AnsweredBy> => {
    if (lacksTranscripts && by.reason === 'SOURCE_UNAVAILABLE') throw nobodyAnswers()
    return { ...(await (sourceOf('LEGACY') as CachedSource).answer(request, caller)), decision: by }
  }
  if (decision.source === 'LEGACY') return fromFiles(decision)
  const answered = await fromDatabase(sourceOf(decision.source), request, caller).catch((error: unknown) => {
    if (isRefusal(error)) throw error
    onFallback(decision.source, error)
  })
  // the statement may have taken seconds: whoever trips the guard does not wait for it
  const now = decideAgain()
  if (now.reason === 'GUARD_TRIPPED') return fromFiles(now)
  if (answered !== undefined) return { ...answered, decision }
  return fromFiles({ source: 'LEGACY', reason: 'SOURCE_UNAVAILABLE', cohort: decision.cohort })
}

async function fromDatabase(chosen: CachedSource | undefined, request: SourceRequest, caller: string | undefined) {
  if (chosen === undefined) throw new BridgeError('SOURCE_UNAVAILABLE', 'the database is away')
  return chosen.answer(request, caller)
}

const nobodyAnswers = (): BridgeError =>
  new BridgeError(
    'SOURCE_UNAVAILABLE',
    'the database cannot be asked now, and there are no transcripts on the disk of this instance: try again',
  )
