import { calcPrice } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { costOf } from '../../../src/domain/cost.ts'
import { contextTierOf, type UsageSums } from '../../../src/domain/token-query.ts'
import { createGenaiPriceList } from '../../../src/pricing/genai-price-list.ts'

const { priceOf } = createGenaiPriceList()
const MODELS = [
  'claude-sonnet-4-5-20250929',
  'claude-opus-4-5-20251101',
  'claude-haiku-4-5-20251001',
  'gemini-2.5-pro',
  'gpt-5',
  'claude-3-5-haiku-20241022',
]

function sums(
  parts: Partial<Record<'input' | 'output' | 'cacheRead' | 'cacheCreation5m' | 'cacheCreation1h', number>>,
  model: string,
): UsageSums {
  const { input = 0, output = 0, cacheRead = 0, cacheCreation5m = 0, cacheCreation1h = 0 } = parts
  return {
    model,
    tier: contextTierOf(input + cacheRead + cacheCreation5m + cacheCreation1h),
    input: BigInt(input),
    output: BigInt(output),
    cacheRead: BigInt(cacheRead),
    cacheCreation5m: BigInt(cacheCreation5m),
    cacheCreation1h: BigInt(cacheCreation1h),
    records: 1n,
  }
}

/** And what floating point adds to it. */
const HALF_A_MICRODOLLAR = 5.000001e-7

describe('cost', () => {
  test('of one record is what the price list says, at every tier', () => {
    const count = fc.oneof(
      fc.integer({ min: 0, max: 1000 }),
      fc.integer({ min: 0, max: 300_000 }),
      fc.constantFrom(0, 1, 199_999, 200_000, 200_001, 272_000),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...MODELS),
        count,
        count,
        count,
        count,
        (model, input, output, cacheRead, cacheCreation5m) => {
          const usage = {
            input_tokens: input + cacheRead + cacheCreation5m,
            output_tokens: output,
            cache_read_tokens: cacheRead,
            cache_write_tokens: cacheCreation5m,
          }
          const { usd } = costOf([sums({ input, output, cacheRead, cacheCreation5m }, model)], priceOf)
          const listed = calcPrice(usage, model)?.total_price ?? Number.NaN
          expect(Math.abs((usd as number) - listed)).toBeLessThan(HALF_A_MICRODOLLAR)
        },
      ),
    )
  })

  test('of an hour’s cache write is higher than of five minutes’', () => {
    const model = 'claude-sonnet-4-5-20250929'
    expect(costOf([sums({ cacheCreation5m: 1_000_000 / 10 }, model)], priceOf).usd).toBeCloseTo(0.375)
    expect(costOf([sums({ cacheCreation1h: 1_000_000 / 10 }, model)], priceOf).usd).toBeCloseTo(0.6)
  })

  test('has a tier for every threshold of the list', () => {
    for (const model of MODELS) {
      for (const price of Object.values(calcPrice({}, model)?.model_price ?? {}))
        for (const { start } of typeof price === 'object' ? price.tiers : [])
          expect(contextTierOf(start + 1), `${model} above ${start}`).toBeGreaterThan(contextTierOf(start))
    }
  })

  test('is rounded to a millionth of a dollar, and the same in whatever order it is added up', () => {
    const model = 'claude-sonnet-4-5-20250929'
    expect(costOf([sums({ input: 1, output: 1 }, model)], priceOf).usd).toBe(0.000018)
    expect(costOf([sums({ cacheRead: 1 }, model)], priceOf).usd).toBe(0)
    expect(costOf([sums({ cacheRead: 2 }, model)], priceOf).usd).toBe(0.000001)
    const anySums = fc
      .tuple(fc.constantFrom(...MODELS), fc.nat({ max: 10 ** 9 }), fc.nat({ max: 10 ** 9 }))
      .map(([one, input, cacheRead]) => sums({ input, cacheRead }, one))
    fc.assert(
      fc.property(fc.array(anySums), (all) => {
        const { usd } = costOf(all, priceOf)
        expect(costOf(all.toReversed(), priceOf).usd).toBe(usd)
        expect(String(usd)).toMatch(/^(\d+(\.\d{1,6})?|\de-6)$/)
      }),
    )
  })

  test('that is not known is unpriced, never free', () => {
    const unknown = sums({ input: 5, output: 6 }, 'unknown')
    expect(costOf([unknown], priceOf)).toEqual({ usd: null, unpricedTokens: 11n })
    const known = sums({ input: 1_000_000 }, 'gpt-5')
    expect(costOf([unknown, known], priceOf)).toEqual({ usd: 1.25, unpricedTokens: 11n })
    expect(costOf([], priceOf)).toEqual({ usd: 0, unpricedTokens: 0n })
  })

  test('of synthetic lines is 0', () => {
    expect(costOf([sums({ input: 5 }, '<synthetic>')], priceOf)).toEqual({ usd: 0, unpricedTokens: 0n })
  })

  test.each([
    'anthropic.claude-sonnet-4-5-20250929-v1:0',
    'us.anthropic.claude-sonnet-4-20250514-v1:0',
    'claude-sonnet-4-5@20250929',
    'anthropic/claude-sonnet-4.5',
  ])('of a model under a reseller’s id is known: %s', (model) => {
    expect(priceOf(model, 0)?.input).toBeGreaterThan(0)
  })
})
