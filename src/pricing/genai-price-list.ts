import { calcPrice, type ModelPrice, type TieredPrices } from '@pydantic/genai-prices'
import { LRUCache } from 'lru-cache'
import { picodollarsPerToken, type TokenPrices } from '../domain/cost.ts'
import { LIMITS } from '../domain/limits.ts'
import { eachCount } from '../domain/token-counts.ts'
import { CONTEXT_TIERS } from '../domain/token-query.ts'
import type { PriceList } from '../ports/price-list.ts'
import { eachGivingWay } from '../turns/pace.ts'
import { createModelPatterns } from './model-patterns.ts'

/** Lines that the agent itself makes: they count, at no cost (rule 5). */
const SYNTHETIC = '<synthetic>'
const FREE: TokenPrices = eachCount(() => 0n)

/** Where the same models are sold under ids of another form; the first that knows the id prices it. */
const PROVIDERS = ['anthropic', 'aws', 'google', 'openrouter'] as const

/** What is remembered of one model, beside its name: whoever ingests may name any number of them. */
const ENTRY_BYTES = 150

/** The price list of `@pydantic/genai-prices`, as shipped with the package: it works offline. */
export function createGenaiPriceList(): PriceList {
  const known = new LRUCache<string, { prices: ModelPrice | undefined }>({
    maxSize: LIMITS.rememberedPriceBytes.value,
    sizeCalculation: (_, model) => ENTRY_BYTES + 2 * model.length,
  })
  /** Prices by the list's own objects: there are as many as the list has models, so nothing bounds it further. */
  const tables = new Map<ModelPrice, TokenPrices[]>()
  const mayBeKnown = createModelPatterns(PROVIDERS)

  const pricesOf = (model: string): ModelPrice | undefined => {
    let found = known.get(model)
    if (found === undefined) {
      found = { prices: lookUp(model, mayBeKnown(model) ? [undefined, ...PROVIDERS] : [undefined]) }
      known.set(model, found)
    }
    return found.prices
  }
  return {
    priceOf(model, tier) {
      if (model === SYNTHETIC) return FREE
      const prices = pricesOf(model)
      if (prices === undefined) return undefined
      let byTier = tables.get(prices)
      if (byTier === undefined) {
        byTier = []
        tables.set(prices, byTier)
      }
      byTier[tier] ??= tableOf(prices, tier)
      return byTier[tier]
    },
    learn: (models) => eachGivingWay(models, pricesOf),
  }
}

function lookUp(model: string, providerIds: readonly (string | undefined)[]): ModelPrice | undefined {
  for (const providerId of providerIds) {
    try {
      const price = calcPrice({}, model, providerId === undefined ? {} : { providerId })
      if (price?.model_price.input_mtok !== undefined && price.model_price.output_mtok !== undefined)
        return price.model_price
    } catch {
      // a release of the list may drop a provider
    }
  }
  return undefined
}

/** What has no price of its own is billed as what contains it: 1h as 5m, and both, like cache reads, as input. */
function tableOf(prices: ModelPrice, tier: number): TokenPrices {
  const input = perToken(prices.input_mtok, tier) ?? 0n
  const cacheCreation5m = perToken(prices.cache_write_mtok, tier) ?? input
  return {
    input,
    output: perToken(prices.output_mtok, tier) ?? 0n,
    cacheRead: perToken(prices.cache_read_mtok, tier) ?? input,
    cacheCreation5m,
    cacheCreation1h: perToken(prices.cache_write_1h_mtok, tier) ?? cacheCreation5m,
  }
}

/** A tier of the list holds above its `start`; the highest one that the prompt passed counts. */
function perToken(price: number | TieredPrices | undefined, tier: number): bigint | undefined {
  if (price === undefined) return undefined
  if (typeof price === 'number') return picodollarsPerToken(price)
  const passed = tier === 0 ? 0 : (CONTEXT_TIERS[tier - 1] as number)
  const reached = price.tiers.filter(({ start }) => start <= passed && tier > 0).sort((a, b) => b.start - a.start)[0]
  return picodollarsPerToken(reached?.price ?? price.base)
}
