import { expect, test } from 'vitest'
import { eachCount } from '../../../src/domain/token-counts.ts'
import type { TokenAnswer, TokenQuery } from '../../../src/domain/token-query.ts'
import type { PriceList } from '../../../src/ports/price-list.ts'
import { isPricedAlike, withPrices } from '../../../src/reading/priced-by.ts'
import { TEST_PRICES } from '../../support/test-prices.ts'

const answer: TokenAnswer = {
  whole: ['m1', 'm2'].map((model) => ({ model, tier: 1, ...eachCount(() => 1n), records: 1n })),
  firstAt: 1,
  lastAt: 2,
  groups: {},
  sessionPages: {},
}
const pagesBy = (order: 'COST_ASC' | 'TOKENS_ASC'): TokenQuery => ({
  filter: {},
  groupings: [],
  sessionPages: [{ order, first: 1 }],
})
const isGood = (one: TokenAnswer, prices: PriceList): Promise<boolean> =>
  isPricedAlike({ answers: [one], quality: undefined, asOf: 0, watermark: '', sample: false }, prices)

test('what was cut off by cost is good only where the models in it cost the same, or are as unknown', async () => {
  const cut = withPrices(answer, pagesBy('COST_ASC'), TEST_PRICES)
  expect(await isGood(cut, TEST_PRICES)).toBe(true)
  const dearer: PriceList = {
    ...TEST_PRICES,
    priceOf: (model, tier) => (model === 'm1' ? eachCount(() => 5n) : TEST_PRICES.priceOf(model, tier)),
  }
  expect(await isGood(cut, dearer)).toBe(false)
  const known: PriceList = {
    ...TEST_PRICES,
    priceOf: (model, tier) => TEST_PRICES.priceOf(model === 'm2' ? 'm1' : model, tier),
  }
  expect(await isGood(cut, known)).toBe(false)
  const others: PriceList = {
    ...TEST_PRICES,
    priceOf: (model, tier) => (model === 'm3' ? undefined : TEST_PRICES.priceOf(model, tier)),
  }
  expect(await isGood(cut, others)).toBe(true)
})

test('what was cut off by anything else, or not at all, is good at any prices', async () => {
  const none: PriceList = { ...TEST_PRICES, priceOf: () => undefined }
  const { sessionPages: _, ...whole } = answer
  for (const one of [
    withPrices(answer, pagesBy('TOKENS_ASC'), TEST_PRICES),
    withPrices(whole, pagesBy('COST_ASC'), TEST_PRICES),
  ])
    expect([await isGood(one, none), 'pricedBy' in one]).toEqual([true, false])
})
