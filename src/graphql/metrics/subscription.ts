import { Arg, Resolver, Subscription } from 'type-graphql'
import { Access, READERS } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { Cost } from '../cost.ts'
import { LiveAnswers } from '../live.ts'
import { METRICS_COST } from './cost.ts'
import { readFilter } from './filter.ts'
import { TokenFilterInput, TokenMetricsType } from './types.ts'

@Resolver()
export class MetricsSubscriptionResolver {
  @Subscription(() => TokenMetricsType, {
    description:
      'What tokenMetrics answers, at once, and again whenever that is another answer, at most once a second: of many changes the latest. asOf and cache alone make no other answer. Each value is charged as the query is. While real_time_updates_enabled is off it is refused, and ends, with FORBIDDEN.',
    subscribe({ context, args }) {
      // what is wrong with it is told at once
      readFilter(args.filter as TokenFilterInput | null)
      return new LiveAnswers(context as RequestContext)
    },
  })
  @Access(READERS)
  @Cost(METRICS_COST)
  tokenMetricsUpdated(
    @Arg('filter', () => TokenFilterInput, { nullable: true }) filter: TokenFilterInput | null,
  ): TokenMetricsType {
    return new TokenMetricsType({ filter: readFilter(filter), preference: 'AUTO' })
  }
}
