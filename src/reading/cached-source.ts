import { createHash } from 'node:crypto'
import type { CacheStatus } from '../domain/source.ts'
import type { AnswerCache } from '../ports/answer-cache.ts'
import type { SourceAnswer, SourceRequest, TokenSource } from '../ports/token-source.ts'

export interface CachedSource {
  /** `caller` waits for what is not in the cache. */
  answer(request: SourceRequest, caller?: string): Promise<{ answer: SourceAnswer; cache: CacheStatus }>
}

export interface CachedSourceOptions {
  source: TokenSource
  cache: AnswerCache
  /** Changes when what readers may see is switched; part of every key. */
  generation: () => number
  refreshWaitMs?: number
  onRefreshFailed?: (error: unknown) => void
  /** Whether another source answers where this one fails; without one, a stale answer is better than none. */
  canFallBack?: boolean
}

/** A refresh that takes longer is not waited for, where there is an older answer. */
const REFRESH_WAIT_MS = 250
/** More are forgotten: they fail again, or do not. */
const MAX_FAILING = 1000
/** Raise it when the shape of answers changes: older ones are then never found. */
const KEY_VERSION = 3

/** A question that is put to the source, and the watermark from which on what changes is not sure to be in it. */
interface Asked {
  since: string
  answer: Promise<SourceAnswer>
}

/**
 * Answers from the cache where it can. An answer whose watermark is the source's is a HIT; none, or an older one
 * that is refreshed within a short wait, is a MISS; else the older one is served STALE while the refresh goes on.
 * The same question is put to the source once at a time; who comes while it is answered, and knows of a later
 * watermark, gets the answer of the one time after it.
 */
export function createCachedSource(options: CachedSourceOptions): CachedSource {
  const { source, cache, generation, refreshWaitMs = REFRESH_WAIT_MS } = options
  const running = new Map<string, Asked>()
  const next = new Map<string, Asked>()
  /** Questions whose last answer could not be computed. */
  const failing = new Set<string>()

  const put = (key: string, request: SourceRequest, caller: string | undefined): Promise<SourceAnswer> =>
    source
      .answer(request, caller)
      .then(async (answer) => {
        failing.delete(key)
        await cache.set(key, { watermark: answer.watermark, answer })
        return answer
      })
      .catch((error: unknown) => {
        if (failing.size >= MAX_FAILING) failing.clear()
        failing.add(key)
        throw error
      })
      .finally(() => {
        running.delete(key)
        const following = next.get(key)
        next.delete(key)
        if (following !== undefined) running.set(key, following)
      })

  const compute = (
    key: string,
    since: string,
    request: SourceRequest,
    caller: string | undefined,
  ): Promise<SourceAnswer> => {
    const now = running.get(key)
    if (now === undefined) {
      const answer = put(key, request, caller)
      running.set(key, { since, answer })
      return answer
    }
    if (now.since === since) return now.answer
    const known = next.get(key)
    if (known !== undefined) {
      // it has not begun: what changed up to now will be in it
      known.since = since
      return known.answer
    }
    const again = (): Promise<SourceAnswer> => put(key, request, caller)
    const answer = now.answer.then(again, again)
    next.set(key, { since, answer })
    return answer
  }

  return {
    async answer(request, caller) {
      const at = source.position()
      // the source is not ready: it says why
      if (at === undefined) return { answer: await source.answer(request, caller), cache: 'BYPASS' }
      const key = keyOf(source, generation(), request)
      const cached = await cache.get(key)
      if (cached?.watermark === at.watermark) return { answer: { ...cached.answer, asOf: at.asOf }, cache: 'HIT' }
      const computed = compute(key, at.watermark, request, caller)
      // where another source can answer, a stale answer is served only while it can be refreshed
      if (cached === undefined || (options.canFallBack && failing.has(key)))
        return { answer: await computed, cache: 'MISS' }
      const stale = { answer: cached.answer, cache: 'STALE' } as const
      const { promise: served, resolve } = Promise.withResolvers<typeof stale>()
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        resolve(stale)
      }, refreshWaitMs)
      const refreshed = computed.then(
        (answer) => ({ answer, cache: 'MISS' }) as const,
        (error: unknown) => {
          if (options.canFallBack && !isLate) throw error
          options.onRefreshFailed?.(error)
          return stale
        },
      )
      return Promise.race([refreshed, served]).finally(() => clearTimeout(timer))
    },
  }
}

function keyOf(source: TokenSource, generation: number, request: SourceRequest): string {
  const text = JSON.stringify([KEY_VERSION, source.world, source.source, generation, request])
  return createHash('sha256').update(text).digest('base64url')
}
