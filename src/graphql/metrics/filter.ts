import { askedValues, FILTER_LISTS } from '../../domain/dimensions.ts'
import { invalidArgument } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { TokenFilter } from '../../domain/token-query.ts'
import { isUnreadable } from '../../domain/unreadable.ts'
import type { TokenFilterInput } from './types.ts'

/** Names in one list of a filter. */
const MAX_NAMES = LIMITS.filterNames.value

/** Reads the argument `filter`; null is as absent. A mistake names its field. */
export function readFilter(input: TokenFilterInput | null | undefined): TokenFilter {
  const filter: TokenFilter = {}
  if (input === null || input === undefined) return filter
  for (const bound of ['from', 'to'] as const) {
    const moment = input[bound]
    if (isUnreadable(moment)) throw invalidArgument(`filter.${bound}`, moment.unreadable)
    if (moment !== null && moment !== undefined) filter[bound] = moment
  }
  if (filter.from !== undefined && filter.to !== undefined && filter.from > filter.to)
    throw invalidArgument('filter.from', 'must not be after filter.to')
  for (const list of FILTER_LISTS) {
    const names = askedValues(input[list])
    if (names === undefined) continue
    if (names.length > MAX_NAMES)
      throw invalidArgument(`filter.${list}`, `has ${names.length} names, at most ${MAX_NAMES} are allowed`)
    // no source has such a name: what is counted is well-formed
    if (!names.every((name) => name.isWellFormed()))
      throw invalidArgument(`filter.${list}`, 'has a name with half of a surrogate pair')
    filter[list] = names
  }
  return filter
}
