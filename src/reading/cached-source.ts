import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { isBridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { CacheStatus } from '../domain/source.ts'
import type { AnswerCache } from '../ports/answer-cache.ts'
import type { PriceList } from '../ports/price-list.ts'
import { inSpan } from '../ports/spans.ts'
import type { SourceAnswer, SourceRequest, TokenSource } from '../ports/token-source.ts'
import { fits } from './fits.ts'
import { isPricedAlike } from './priced-by.ts'
import { requestKey } from './question-key.ts'

export interface CachedSource {
  /** `caller` waits for what is not in the cache. `state`: of a HIT, that in which the source gives this answer. */
  answer(
    request: SourceRequest,
    caller?: string,
  ): Promise<{ answer: SourceAnswer; cache: CacheStatus; state?: string | undefined }>
  /** Names what the source answers from now; the same answers follow from the same. `undefined` while it cannot answer. */
  state(): string | undefined
}

export interface CachedSourceOptions {
  source: TokenSource
  cache: AnswerCache
  /** Changes when what readers may see is switched; part of every key. */
  generation: () => number
  /** What was cut off by other prices than these is computed anew. */
  prices: PriceList
  refreshWaitMs?: number
  onRefreshFailed?: (error: unknown) => void
  /** Whether another source answers where this one fails; without one, a stale answer is better than none. */
  canFallBack?: boolean
  asking?: Asking
}

/** A refresh that takes longer is not waited for, where there is an older answer. */
const REFRESH_WAIT_MS = 250
/** Bytes of memory that a remembered failure takes beside its key. */
const FAILING_BYTES = 100

/** A question that is put to the source. */
interface Asked {
  caller: string
  /** The watermark from which on what changes is not sure to be in the answer. */
  since: string
  answer: Promise<SourceAnswer>
}

/** The questions that are put to sources, by caller, the oldest first. Sources that share turns share one. */
export type Asking = Map<string, Set<Asked>>

/**
 * Answers from the cache where it can. An answer whose watermark is the source's is a HIT; none, or an older one
 * that is refreshed within a short wait, is a MISS; else the older one is served STALE while the refresh goes on.
 */
export function createCachedSource(options: CachedSourceOptions): CachedSource {
  const { source, cache, generation, prices, canFallBack = false } = options
  /**
   * Questions whose last answer could not be computed. The oldest are forgotten: one of them is then asked again, as if
   * it had not failed.
   */
  const failing = new LRUCache<string, true>({
    maxSize: LIMITS.rememberedFailureBytes.value,
    sizeCalculation: (_, key) => FAILING_BYTES + 2 * key.length,
  })
  const ask = async (key: string, request: SourceRequest, caller: string): Promise<SourceAnswer> => {
    try {
      const answer = await inSpan('ask source', { source: source.source }, () => source.answer(request, caller))
      failing.delete(key)
      await inSpan('cache set', {}, () => cache.set(key, { watermark: answer.watermark, answer }))
      return answer
    } catch (error) {
      // OVERLOADED is about the caller's other questions: this one did not fail
      if (!isOverloaded(error)) failing.set(key, true)
      throw error
    }
  }
  const compute = createComputing(source, ask, options)
  const { asked = (request: SourceRequest) => request } = source
  const stateOf = ({ watermark }: { watermark: string }): string => `${generation()} ${watermark}`

  return {
    state() {
      const at = source.counted()
      return at && stateOf(at)
    },
    async answer(wanted, caller = '') {
      const request = asked(wanted)
      const at = source.counted()
      // the source is not ready: asking it throws the reason
      if (at === undefined) return { answer: await source.answer(request, caller), cache: 'BYPASS' }
      const state = stateOf(at)
      const key = keyOf(source, generation(), request)
      const kept = await inSpan('cache get', {}, async (tell) => {
        const entry = await cache.get(key)
        tell({ found: entry !== undefined })
        return entry
      })
      const isGood = kept !== undefined && fits(kept.answer, request) && (await isPricedAlike(kept.answer, prices))
      const cached = isGood ? kept : undefined
      if (cached?.watermark === at.watermark)
        return { answer: { ...cached.answer, asOf: at.asOf }, cache: 'HIT', state }
      const computed = compute(key, request, caller)
      // where another source can answer instead, an older answer is not served once its refresh has failed
      if (cached === undefined || (canFallBack && failing.has(key))) return { answer: await computed, cache: 'MISS' }
      return refreshedOrStale(computed, cached.answer, options)
    },
  }
}

/** The answer that is computed, where that does not take long; else the older one, while it is being computed. */
function refreshedOrStale(
  computed: Promise<SourceAnswer>,
  older: SourceAnswer,
  { refreshWaitMs = REFRESH_WAIT_MS, canFallBack = false, onRefreshFailed }: CachedSourceOptions,
): Promise<{ answer: SourceAnswer; cache: CacheStatus }> {
  const stale = { answer: older, cache: 'STALE' } as const
  const { promise: served, resolve } = Promise.withResolvers<typeof stale>()
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    resolve(stale)
  }, refreshWaitMs)
  const refreshed = computed.then(
    (answer) => ({ answer, cache: 'MISS' }) as const,
    (error: unknown) => {
      if (isOverloaded(error)) return stale
      if (canFallBack && !isLate) throw error
      onRefreshFailed?.(error)
      return stale
    },
  )
  return Promise.race([refreshed, served]).finally(() => clearTimeout(timer))
}

type Ask = (key: string, request: SourceRequest, caller: string) => Promise<SourceAnswer>

/**
 * Puts the same question to the source once at a time. Who comes while it is answered, and knows of a later watermark,
 * gets the answer of the one time after it; where the source is away and another one can answer, they wait for no second
 * deadline. A question that waits behind others of its caller is put once more for another caller, who would wait in a
 * queue that is not theirs.
 */
function createComputing(
  source: TokenSource,
  ask: Ask,
  { asking = new Map(), canFallBack = false }: Pick<CachedSourceOptions, 'asking' | 'canFallBack'>,
): Ask {
  /** The question of each key that was put last. */
  const running = new Map<string, Asked>()

  const put = (key: string, since: string, request: SourceRequest, caller: string): Asked => {
    const answer = ask(key, request, caller).finally(() => {
      if (running.get(key) === asked) running.delete(key)
      mine.delete(asked)
      if (mine.size === 0) asking.delete(caller)
    })
    const asked: Asked = { caller, since, answer }
    const mine = asking.get(caller) ?? new Set()
    asking.set(caller, mine.add(asked))
    running.set(key, asked)
    return asked
  }

  /** The oldest question of a caller is worked on, or is first when the caller's turn comes. */
  const isFirst = (asked: Asked): boolean => asking.get(asked.caller)?.values().next().value === asked

  const compute: Ask = (key, request, caller) => {
    const since = source.counted()?.watermark ?? ''
    const now = running.get(key)
    if (now === undefined || (now.caller !== caller && !isFirst(now))) return put(key, since, request, caller).answer
    const again = (): Promise<SourceAnswer> => compute(key, request, caller)
    // asks again when that answer is there, with the watermark of then; whoever else waits shares that question
    if (now.since !== since)
      return now.answer.then(again, (error: unknown) => {
        if (canFallBack && isAway(error)) throw error
        return again()
      })
    return now.answer.catch((error: unknown) => {
      if (now.caller !== caller && isOverloaded(error)) return again()
      throw error
    })
  }
  return compute
}

/** The caller has too many questions: no failure of the source, and nobody else's. */
const isOverloaded = (error: unknown): boolean => isBridgeError(error) && error.code === 'OVERLOADED'
const isAway = (error: unknown): boolean => isBridgeError(error) && error.code === 'SOURCE_UNAVAILABLE'

function keyOf(source: TokenSource, generation: number, request: SourceRequest): string {
  const text = JSON.stringify([source.world, source.source, generation, requestKey(request)])
  return createHash('sha256').update(text).digest('base64url')
}
