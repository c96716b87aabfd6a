import { groupingOf } from './breakdown.ts'
import { groupingKey } from './dimensions.ts'
import type { TokenQuery } from './token-query.ts'

/** A query for all of which this one asks for the first: its answer has what every page and breakdown follows from. */
export function uncut(query: TokenQuery): TokenQuery {
  const { sessionPages = [], breakdowns = [], ...rest } = query
  const groupings = [...query.groupings, ...breakdowns.map(groupingOf)].filter((grouping) => grouping.length > 0)
  const byKey = new Map(groupings.map((grouping) => [groupingKey(grouping), grouping]))
  return {
    ...rest,
    groupings: [...byKey.values()],
    ...(sessionPages.length > 0 ? { sessions: true } : {}),
  }
}
