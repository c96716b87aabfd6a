import { askedValues, FILTER_LISTS } from '../../domain/dimensions.ts'
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
    for (const list of FILTER_LISTS) for (const name of askedValues(filter[list]) ?? []) bytes += Buffer.byteLength(name)
    return bytes
  },
}

export const SERIES_COST: CostRule = {
  size(args, above) {
    const { from, to } = filterOf(above)
    const granularity = args.granularity as Granularity
    const usual = USUAL_BUCKETS[granularity]
    if (typeof from !== 'number') return usual
    // the first and the last bucket may be cut
    const buckets = Math.ceil(((typeof to === 'number' ? to : Date.now()) - from) / WIDTH_MS[granularity]) + 1
    return Math.min(usual, Math.max(1, buckets))
  },
  series: (args, above) =>
    `${args.granularity} ${canonicalTimeZone(String(args.timeZone))} ${above.preference} ${filterKey(filterOf(above))}`,
}
