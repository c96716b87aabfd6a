import { type CountField, TOKEN_COUNTS, totalOfSums } from './token-counts.ts'
import type { UsageSums } from './token-query.ts'

/**
 * Prices of a token in picodollars (10⁻¹² USD), whole, for prompts of one context tier: sums of whole numbers are the
 * same in any order of adding. Writes that live an hour are dearer than those of 5 minutes.
 */
export type TokenPrices = Record<CountField, bigint>

/** What a price list tells, USD per million tokens, as picodollars a token. */
export const picodollarsPerToken = (usdPerMillion: number): bigint => BigInt(Math.round(usdPerMillion * 1e6))

/** The prices of a model at a context tier (`CONTEXT_TIERS`); `undefined` where the list has none. */
export type PriceOf = (model: string, tier: number) => TokenPrices | undefined

export interface Cost {
  /** USD, to the millionth; `null` where there are tokens and none of them can be priced. */
  usd: number | null
  /** Tokens of records that cannot be priced: unpriced is not free. */
  unpricedTokens: bigint
}

/** What sums cost. One function for every source, so that all agree and a price update reprices everything. */
export function costOf(usage: readonly UsageSums[], priceOf: PriceOf): Cost {
  let picodollars = 0n
  let priced = usage.length === 0
  let unpricedTokens = 0n
  for (const sums of usage) {
    const prices = priceOf(sums.model, sums.tier)
    if (prices === undefined) {
      unpricedTokens += totalOfSums(sums)
      continue
    }
    priced = true
    picodollars += priceOfSums(sums, prices)
  }
  return { usd: priced || unpricedTokens === 0n ? usdOf(picodollars) : null, unpricedTokens }
}

function priceOfSums(sums: UsageSums, prices: TokenPrices): bigint {
  let picodollars = 0n
  for (const field of TOKEN_COUNTS) picodollars += sums[field] * prices[field]
  return picodollars
}

const PICODOLLARS_A_MICRODOLLAR = 1_000_000n

/** Rounded to a millionth of a dollar, so that no client shows what floating point makes of it. */
const usdOf = (picodollars: bigint): number =>
  Number((picodollars + PICODOLLARS_A_MICRODOLLAR / 2n) / PICODOLLARS_A_MICRODOLLAR) / 1e6
