import { invalidArgument } from '../../domain/errors.ts'
import type { TokenFilter } from '../../domain/token-query.ts'
import type { TokenFilterInput } from './types.ts'

/** Names in one list of a filter. */
const MAX_NAMES = 1000
const LISTS = ['projects', 'models', 'sessionIds', 'users', 'hosts'] as const

/** Reads the argument `filter`; null is as absent. A mistake names its field. */
export function readFilter(input: TokenFilterInput | null | undefined): TokenFilter {
  const filter: TokenFilter = {}
  if (input === null || input === undefined) return filter
  const { from, to } = input
  if (from !== null && from !== undefined) filter.from = from
  if (to !== null && to !== undefined) filter.to = to
  if (filter.from !== undefined && filter.to !== undefined && filter.from > filter.to)
    throw invalidArgument('filter.from', 'must not be after filter.to')
  for (const list of LISTS) {
    const names = input[list]
    if (names === null || names === undefined) continue
    if (names.length > MAX_NAMES)
      throw invalidArgument(`filter.${list}`, `has ${names.length} names, at most ${MAX_NAMES} are allowed`)
    filter[list] = names
  }
  return filter
}
