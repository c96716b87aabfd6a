import type { UsageSums } from './token-query.ts'

/** Prices in USD per token, for prompts of one context tier. */
export interface TokenPrices {
  input: number
  output: number
  cacheRead: number
  /** Writes that live 5 minutes. */
  cacheCreation5m: number
  /** Writes that live an hour: dearer. */
  cacheCreation1h: number
}

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
      unpricedTokens += sums.input + sums.output + sums.cacheRead + sums.cacheCreation5m + sums.cacheCreation1h
      continue
    }
    priced = true
    usd +=
      Number(sums.input) * prices.input +
      Number(sums.output) * prices.output +
      Number(sums.cacheRead) * prices.cacheRead +
      Number(sums.cacheCreation5m) * prices.cacheCreation5m +
      Number(sums.cacheCreation1h) * prices.cacheCreation1h
  }
  return { usd: priced || unpricedTokens === 0n ? usd : null, unpricedTokens }
}
