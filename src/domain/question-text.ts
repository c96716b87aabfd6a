import { FILTER_LISTS, type Grouping, groupingKey } from './dimensions.ts'
import type { TokenFilter, TokenQuery } from './token-query.ts'

/** A question is kept as text up to this length: lists of names may be long. */
const MAX_TEXT = 16_384

/** What is asked, as text, whoever asks it: the same for queries with the same answers. `{}` where it is too long. */
export function questionText({ filter, groupings, sessions = false, countSessions = false }: TokenQuery): string {
  const by = new Map(groupings.map((grouping) => [groupingKey(grouping), grouping]))
  const text = JSON.stringify({
    filter: canonical(filter),
    groupings: [...by.keys()].sort().map((key) => by.get(key) as Grouping),
    sessions,
    countSessions,
  })
  return text.length > MAX_TEXT ? '{}' : text
}

function canonical(filter: TokenFilter): TokenFilter {
  const { from, to } = filter
  const lists = FILTER_LISTS.flatMap((list) => {
    const names = filter[list]
    return names === undefined ? [] : [[list, [...new Set(names)].sort()] as const]
  })
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }), ...Object.fromEntries(lists) }
}
