import type { Config } from '../config.ts'
import type { DataSource } from '../domain/source.ts'
import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { Logger } from '../observability/logger.ts'
import { createTroubleLog } from '../observability/trouble-log.ts'
import type { CacheHealth } from '../ports/answer-cache.ts'
import type { PriceList } from '../ports/price-list.ts'
import type { TokenSource } from '../ports/token-source.ts'
import { type Asking, type CachedSource, createCachedSource } from '../reading/cached-source.ts'
import { createDerived, type Derived } from '../reading/derived.ts'
import { createAnswerCache } from '../redis/answer-cache.ts'
import type { DatabaseSide } from './database-side.ts'
import { type IsolationSide, isolatedCache } from './isolation.ts'

/** What answers questions, and what is kept of the answers. */
export interface ReadingSide {
  /** A source, through the cache; `undefined` where it needs the database and there is none. */
  sourceOf(name: DataSource, database: DatabaseSide | undefined): CachedSource | undefined
  derived: Derived
  /** For responses. */
  responseBytes: number
  prices: PriceList
  onFallback(source: DataSource, error: unknown): void
  cacheHealth(): CacheHealth
  close(): Promise<void>
}

export interface ReadingSideOptions {
  config: Config
  legacy: LegacySource
  isolation: IsolationSide
  prices: PriceList
  /** Which all instances have that share Redis: what is kept there is believed by them alone. */
  secrets: readonly Uint8Array[]
  logger: Logger
}

/** Of the memory for answers: what is kept of what was computed from them, and of responses as they were sent. */
const DERIVED_SHARE = 1 / 8
const RESPONSES_SHARE = 1 / 8

const mapSources = <T>(make: (source: DataSource) => T): Record<DataSource, T> => ({
  LEGACY: make('LEGACY'),
  CLICKHOUSE: make('CLICKHOUSE'),
  HYBRID: make('HYBRID'),
})

export function createReadingSide(options: ReadingSideOptions): ReadingSide {
  const { config, legacy, isolation, prices, secrets, logger } = options
  const cacheBytes = config.cacheMaxMb * 2 ** 20
  const open = () =>
    createAnswerCache({
      redisUrl: config.redisUrl,
      secrets,
      maxBytes: Math.ceil(cacheBytes * (1 - DERIVED_SHARE - RESPONSES_SHARE)),
      onProblem: (problem) => logger.warn({ problem }, 'Redis is away: answers are kept in memory alone'),
    })
  const cache = isolatedCache(isolation, open)
  /** By source. A source of the database is garbage once the database side is. */
  const cachedSources = new WeakMap<TokenSource, CachedSource>()
  const asking: Asking = new Map()
  const troubles = mapSources((source) => ({
    answering: createTroubleLog(logger, 'the files answer instead', 'it answers again', { source }),
    refreshing: createTroubleLog(logger, 'a stale answer could not be refreshed', 'it is refreshed again', { source }),
  }))
  const cached = (source: TokenSource, generation: () => number, canFallBack: boolean): CachedSource => {
    const known = cachedSources.get(source)
    if (known !== undefined) return known
    const { refreshing, answering } = troubles[source.source]
    const heard: TokenSource = {
      ...source,
      async answer(request, caller) {
        const answer = await source.answer(request, caller)
        refreshing.over()
        answering.over()
        return answer
      },
    }
    const onRefreshFailed = refreshing.failed
    const made = createCachedSource({
      source: heard,
      cache,
      generation,
      prices,
      canFallBack,
      onRefreshFailed,
      asking,
    })
    cachedSources.set(source, made)
    return made
  }
  return {
    sourceOf(name, database) {
      if (name === 'LEGACY') return cached(legacy, () => 0, false)
      if (database === undefined) return undefined
      const { clickhouse, hybrid, ledger } = database
      return cached(name === 'HYBRID' ? hybrid : clickhouse, () => ledger().generation(), true)
    },
    responseBytes: Math.ceil(cacheBytes * RESPONSES_SHARE),
    derived: createDerived(Math.ceil(cacheBytes * DERIVED_SHARE)),
    prices,
    onFallback: (source, error) => troubles[source].answering.failed(error),
    cacheHealth: () => cache.health(),
    close: () => cache.close(),
  }
}
