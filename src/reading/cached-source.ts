import { createHash } from 'node:crypto'
import type { CacheStatus } from '../domain/source.ts'
import type { AnswerCache, CachedAnswer } from '../ports/answer-cache.ts'
import type { SourceAnswer, SourceRequest, TokenSource } from '../ports/token-source.ts'

export interface CachedSource {
  answer(request: SourceRequest): Promise<{ answer: SourceAnswer; cache: CacheStatus }>
}

export interface CachedSourceOptions {
  source: TokenSource
  cache: AnswerCache
  /** Changes when what readers may see is switched; part of every key. */
  generation: () => number
  now?: () => number
  onRefreshFailed?: (error: unknown) => void
  /** Whether another source answers where this one fails; without one, a stale answer is better than none. */
  canFallBack?: boolean
}

/** The watermark moves at most this often: without it, a log that never rests would make every answer stale. */
const WATERMARK_MS = 1000
/** More are forgotten: they fail again, or do not. */
const MAX_FAILING = 1000
/** Raise it when the shape of answers changes: older ones are then never found. */
const KEY_VERSION = 3

/**
 * Answers from the cache where it can. An answer whose watermark is the source's is a HIT; an older one is
 * served STALE while one refresh runs; none is a MISS. The same question is put to the source once at a time.
 */
export function createCachedSource(options: CachedSourceOptions): CachedSource {
  const { source, cache, generation, now = Date.now } = options
  const inFlight = new Map<string, Promise<SourceAnswer>>()
  /** Questions whose last answer could not be computed. */
  const failing = new Set<string>()
  let position = source.position()
  let movedAt = Number.NEGATIVE_INFINITY

  const currentPosition = (): typeof position => {
    const latest = source.position()
    if (latest?.watermark === position?.watermark) position = latest
    else if (now() - movedAt >= WATERMARK_MS || position === undefined || latest === undefined) {
      position = latest
      movedAt = now()
    }
    return position
  }

  const compute = (key: string, request: SourceRequest): Promise<SourceAnswer> => {
    const running = inFlight.get(key)
    if (running !== undefined) return running
    const computed = source
      .answer(request)
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
      .finally(() => inFlight.delete(key))
    inFlight.set(key, computed)
    return computed
  }

  return {
    async answer(request) {
      const at = currentPosition()
      // the source is not ready: it says why
      if (at === undefined) return { answer: await source.answer(request), cache: 'BYPASS' }
      const key = keyOf(source, generation(), request)
      const cached = await cache.get(key)
      if (cached === undefined) return { answer: await compute(key, request), cache: 'MISS' }
      if (isCurrent(cached, at.watermark, source)) return { answer: { ...cached.answer, asOf: at.asOf }, cache: 'HIT' }
      // where another source can answer, a stale answer is served only while it can be refreshed
      if (options.canFallBack && failing.has(key)) return { answer: await compute(key, request), cache: 'MISS' }
      compute(key, request).catch((error: unknown) => options.onRefreshFailed?.(error))
      return { answer: cached.answer, cache: 'STALE' }
    },
  }
}

/** Of the throttled position, or already of the one that it will move to. */
function isCurrent(cached: CachedAnswer, watermark: string, source: TokenSource): boolean {
  return cached.watermark === watermark || cached.watermark === source.position()?.watermark
}

function keyOf(source: TokenSource, generation: number, request: SourceRequest): string {
  const text = JSON.stringify([KEY_VERSION, source.world, source.source, generation, request])
  return createHash('sha256').update(text).digest('base64url')
}
