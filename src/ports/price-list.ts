import type { TokenPrices } from '../domain/cost.ts'

/** What models cost. */
export interface PriceList {
  /** Prices at a context tier (`CONTEXT_TIERS`); `undefined` where the list does not know the model. */
  priceOf(model: string, tier: number): TokenPrices | undefined
  /** Looks up models that it does not remember, a few at a time, so that `priceOf` need not: they may be many. */
  learn(models: Iterable<string>): Promise<void>
}
