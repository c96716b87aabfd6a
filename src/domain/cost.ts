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
  const { microdollars, unpricedTokens } = addedUp(usage, priceOf)
  return { usd: microdollars === null ? null : Number(microdollars) / 1e6, unpricedTokens }
}

/** What sums cost as what they are ordered by, whole and exact: the cost as it is shown, -1 where that is `null`. */
export const costRank = (usage: readonly UsageSums[], priceOf: PriceOf): bigint =>
  addedUp(usage, priceOf).microdollars ?? -1n

function addedUp(
  usage: readonly UsageSums[],
  priceOf: PriceOf,
): { microdollars: bigint | null; unpricedTokens: bigint } {
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
  return { microdollars: priced || unpricedTokens === 0n ? microdollarsOf(picodollars) : null, unpricedTokens }
}

function priceOfSums(sums: UsageSums, prices: TokenPrices): bigint {
  let picodollars = 0n
  for (const field of TOKEN_COUNTS) picodollars += sums[field] * prices[field]
  return picodollars
}

export const PICODOLLARS_A_MICRODOLLAR = 1_000_000n

/** Rounded to a millionth of a dollar, so that no client shows what floating point makes of it. */
const microdollarsOf = (picodollars: bigint): bigint =>
  (picodollars + PICODOLLARS_A_MICRODOLLAR / 2n) / PICODOLLARS_A_MICRODOLLAR
