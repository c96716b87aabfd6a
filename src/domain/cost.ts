import { type CountField, TOKEN_COUNTS, totalOfSums } from './token-counts.ts'
import type { UsageSums } from './token-query.ts'

/** Prices in USD per token, for prompts of one context tier. Writes that live an hour are dearer than those of 5 minutes. */
export type TokenPrices = Record<CountField, number>

/** The prices of a model at a context tier (`CONTEXT_TIERS`); `undefined` where the list has none. */
export type PriceOf = (model: string, tier: number) => TokenPrices | undefined

export interface Cost {
  /** USD; `null` where there are tokens and none of them can be priced. */
  usd: number | null
  /** Tokens of records that cannot be priced: unpriced is not free. */
  unpricedTokens: bigint
}

/** What sums cost. One function for every source, so that all agree and a price update reprices everything. */
export function costOf(usage: readonly UsageSums[], priceOf: PriceOf): Cost {
  let usd = 0
  let priced = usage.length === 0
  let unpricedTokens = 0n
  for (const sums of usage) {
    const prices = priceOf(sums.model, sums.tier)
    if (prices === undefined) {
      unpricedTokens += totalOfSums(sums)
      continue
    }
    priced = true
    usd += priceOfSums(sums, prices)
  }
  return { usd: priced || unpricedTokens === 0n ? usd : null, unpricedTokens }
}

function priceOfSums(sums: UsageSums, prices: TokenPrices): number {
  let usd = 0
  for (const field of TOKEN_COUNTS) usd += Number(sums[field]) * prices[field]
  return usd
}
