import { askedValues, FILTER_LISTS } from '../../domain/dimensions.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { Granularity } from '../../domain/time-buckets.ts'
import { canonicalTimeZone } from '../../domain/time-zone.ts'
import { filterKey } from '../../reading/question-key.ts'
import type { Args, CostRule } from '../cost.ts'
import type { TokenFilterInput } from './types.ts'

const HOUR_MS = 3_600_000
const WIDTH_MS: Record<Granularity, number> = {
  HOUR: HOUR_MS,
  DAY: 24 * HOUR_MS,
  WEEK: 7 * 24 * HOUR_MS,
  MONTH: 28 * 24 * HOUR_MS,
}
/** Buckets of a history whose length is not known, or of a longer range than anything that was recorded: some years. */
const USUAL_BUCKETS: Record<Granularity, number> = { HOUR: 366 * 24, DAY: 3 * 366, WEEK: 160, MONTH: 36 }

const filterOf = (args: Args): TokenFilterInput => (args.filter ?? {}) as TokenFilterInput

/** Of what answers with the metrics of a filter. */
export const METRICS_COST: CostRule = {
  filter: (args) => `${args.preference} ${filterKey(filterOf(args))}`,
  filterBytes(args) {
    const filter = filterOf(args)
    let bytes = 0
    for (const list of FILTER_LISTS)
      for (const name of askedValues(filter[list]) ?? []) bytes += Buffer.byteLength(name)
    return bytes
  },
}

function bucketsOf(granularity: Granularity, { from, to }: TokenFilterInput, isFilled = false): number {
  const usual = USUAL_BUCKETS[granularity]
  if (typeof from !== 'number') return usual
  // the first and the last bucket may be cut
  const buckets = Math.max(
    1,
    Math.ceil(((typeof to === 'number' ? to : Date.now()) - from) / WIDTH_MS[granularity]) + 1,
  )
  return isFilled ? buckets : Math.min(usual, buckets)
}

export const SERIES_COST: CostRule = {
  size: ({ granularity, fill }, above) => bucketsOf(granularity as Granularity, filterOf(above), fill === true),
  series: (args, above) =>
    `${args.granularity} ${args.fill} ${canonicalTimeZone(String(args.timeZone))} ${above.preference} ${filterKey(filterOf(above))}`,
}

/** Of many combinations, the share that is in one bucket: nobody works on everything every day. */
const USUAL_SHARE = 1 / 8

export const BREAKDOWN_COST: CostRule = {
  size(args, above) {
    const first = Math.min(Number(args.first), LIMITS.breakdownFirst.value)
    const granularity = args.granularity as Granularity | null | undefined
    if (granularity === null || granularity === undefined) return first + 1
    return Math.ceil(bucketsOf(granularity, filterOf(above)) * (1 + first * USUAL_SHARE))
  },
  series: ({ by, granularity, timeZone, first, orderBy }, above) =>
    JSON.stringify([
      by,
      ...(granularity ? [granularity, canonicalTimeZone(String(timeZone))] : []),
      first,
      orderBy,
      above.preference,
      filterKey(filterOf(above)),
    ]),
}

/** Of the values of one dimension that a filter selects. */
export const VALUES_COST: CostRule = {
  ...METRICS_COST,
  filter: (args) => `AUTO ${filterKey(filterOf(args))}`,
  size: ({ first }) => Math.min(Number(first), LIMITS.filterValues.value),
}
