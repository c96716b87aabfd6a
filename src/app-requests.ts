import type { Principal } from './access/roles.ts'
import type { BridgeHandle } from './app-bridge.ts'
import type { Losses } from './domain/losses.ts'
import type { DataSource, SourcePreference } from './domain/source.ts'
import type { Component, RequestContext } from './graphql/context.ts'
import type { AnswerCache } from './ports/answer-cache.ts'
import type { Flags } from './ports/flags.ts'
import type { PriceList } from './ports/price-list.ts'
import type { TokenSource } from './ports/token-source.ts'
import { createAnswers, type Question } from './reading/answers.ts'
import { type Asking, type CachedSource, createCachedSource } from './reading/cached-source.ts'
import { type Decision, decideSource } from './reading/decision.ts'
import type { Derived } from './reading/derived.ts'
import type { Ingest } from './writing/ingest.ts'
import type { Preferences } from './writing/preferences.ts'

export interface RequestsOptions {
  legacy: TokenSource
  bridge: BridgeHandle
  cache: AnswerCache
  derived: Derived
  flags: Flags
  ingest: Ingest
  prices: PriceList
  threshold: number
  preferences: Preferences
  /** No log has bytes beyond its published position. */
  isAllPublished: () => boolean
  /** What was acknowledged or published and cannot be read now. */
  losses: () => Losses
  health: () => Component[]
  onRefreshFailed: (error: unknown) => void
  onFallback: (source: DataSource, error: unknown) => void
}

/** Makes the context of each request: flags, progress and positions are read once, and all its answers follow from them. */
export function createRequests(options: RequestsOptions): (principal: Principal, requestId: string) => RequestContext {
  const { bridge, flags, preferences } = options
  const cachedSources = new WeakMap<TokenSource, CachedSource>()
  const asking: Asking = new Map()

  const cachedSourceOf = (source: TokenSource): CachedSource => {
    let cached = cachedSources.get(source)
    if (cached === undefined) {
      cached = createCachedSource({
        source,
        cache: options.cache,
        generation: () => (source.source === 'LEGACY' ? 0 : (bridge.current()?.generation() ?? 0)),
        canFallBack: source.source !== 'LEGACY',
        onRefreshFailed: options.onRefreshFailed,
        asking,
      })
      cachedSources.set(source, cached)
    }
    return cached
  }

  return (principal, requestId) => {
    const { userId, roles } = principal
    const database = bridge.current()
    const userFlags = flags.of(userId)
    const mayChoose = userFlags.userSourceChoice || roles.includes('operator')
    const progress = database?.control.progress() ?? 0
    const cutOverAt = database?.control.cutOverAt()
    const allPublished = options.isAllPublished()
    const losses = options.losses()
    const stored = (): SourcePreference => preferences.of(userId)

    const decide = ({ filter, preference }: Question): Decision => {
      const own = preference === 'AUTO' ? stored() : preference
      return decideSource({
        flags: userFlags,
        hasDatabase: bridge.health().state !== 'OFF',
        isDatabaseOpen: database !== undefined,
        guardTripped: false,
        isHistorical: cutOverAt === undefined || (filter.from ?? Number.NEGATIVE_INFINITY) < cutOverAt,
        progress,
        threshold: options.threshold,
        allPublished,
        preference: mayChoose ? own : 'AUTO',
      })
    }

    const whole: Question = { filter: {}, preference: 'AUTO' }
    const sources: Record<DataSource, TokenSource | undefined> = {
      LEGACY: options.legacy,
      HYBRID: database?.hybrid,
      CLICKHOUSE: database?.clickhouse,
    }
    return {
      requestId,
      principal,
      viewer: {
        decision: decide(whole),
        preference: stored(),
        mayChoose,
        async choose(preference) {
          await preferences.choose(userId, preference)
          return decide(whole)
        },
      },
      answers: createAnswers({
        caller: userId,
        sourceOf(name) {
          const source = sources[name]
          return source === undefined ? undefined : cachedSourceOf(source)
        },
        decide,
        migrationProgress: progress,
        losses,
        learnPrices: options.prices.learn,
        onFallback: options.onFallback,
      }),
      priceOf: options.prices.priceOf,
      missingRecords: BigInt(losses.everywhere),
      derived: options.derived,
      ingest: options.ingest,
      migrations: database?.control,
      backups: database?.backups,
      health: options.health,
    }
  }
}
