import type { PriceOf } from '../../domain/cost.ts'
import { type CountField, eachCount, TOKEN_COUNTS } from '../../domain/token-counts.ts'
import { CONTEXT_TIERS } from '../../domain/token-query.ts'
import type { Params } from '../database.ts'
import { COUNT_COLUMNS } from './record-sql.ts'

/** Of each row, in SQL: what it costs in picodollars, and whether that is known. */
export interface Priced {
  picodollars: string
  isPriced: string
  params: Params
}

const TIERS = CONTEXT_TIERS.length + 1
/** In which prices stand: those of models that have none come first. */
const PLACE = 'transform(model, {priced_models:Array(String)}, {priced_places:Array(UInt32)}, toUInt32(1)) + tier'

/**
 * What rows cost, by the price list of the domain: it is asked for each of these models and each tier, and what it says goes
 * along as lists of whole numbers, one entry for each tier of each model.
 */
export function pricedSql(models: readonly string[], priceOf: PriceOf): Priced {
  const known: number[] = []
  const prices: Record<CountField, bigint[]> = eachCount(() => [])
  const addTiers = (of: (tier: number) => ReturnType<PriceOf>): void => {
    for (let tier = 0; tier < TIERS; tier++) {
      const found = of(tier)
      known.push(found === undefined ? 0 : 1)
      for (const field of TOKEN_COUNTS) prices[field].push(found?.[field] ?? 0n)
    }
  }
  addTiers(() => undefined)
  for (const model of models) addTiers((tier) => priceOf(model, tier))
  const params: Params = {
    // an empty list is none that ClickHouse searches
    priced_models: models.length === 0 ? [''] : models,
    priced_places: models.length === 0 ? [1] : models.map((_, i) => 1 + (i + 1) * TIERS),
    priced_known: known,
  }
  for (const [i, field] of TOKEN_COUNTS.entries()) params[`priced_${i}`] = prices[field]
  return {
    // 128 bits hold what a trillion records of a trillion tokens each cost
    picodollars: COUNT_COLUMNS.map(
      (column, i) => `toUInt128(${column}) * arrayElement({priced_${i}:Array(UInt64)}, ${PLACE})`,
    ).join(' + '),
    isPriced: `arrayElement({priced_known:Array(UInt8)}, ${PLACE})`,
    params,
  }
}
