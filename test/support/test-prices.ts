import type { PriceOf } from '../../src/domain/cost.ts'
import type { PriceList } from '../../src/ports/price-list.ts'

/** Other prices at each tier, some of them below a millionth of a dollar; nobody knows what m2 costs, nor `other`. */
const priceOf: PriceOf = (model, tier) =>
  model === 'm2' || model === 'other'
    ? undefined
    : {
        input: BigInt(tier + 1) * 300_000n,
        output: 700_001n,
        cacheRead: BigInt(tier * tier) * 31n,
        cacheCreation5m: 400_000n,
        cacheCreation1h: 900_000n,
      }

/** A price list of a few models: what is cut off by cost can be told apart by it. */
export const TEST_PRICES: PriceList = { priceOf, learn: async () => undefined }
