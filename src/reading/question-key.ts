import { createHash } from 'node:crypto'
import { breakdownKey, sessionCutKey } from '../domain/cuts.ts'
import { askedValues, FILTER_LISTS, groupingKey } from '../domain/dimensions.ts'
import { canonicalScopes, type Scope } from '../domain/scope.ts'
import type { TokenFilter, TokenQuery } from '../domain/token-query.ts'
import type { SourceRequest } from '../ports/token-source.ts'

/** A filter, or what comes in as one: members that are null are absent. */
type Filter = { readonly [K in keyof TokenFilter]?: TokenFilter[K] | null | object | boolean | undefined }

/** A list whose text is longer is named by its digest. */
const MAX_LITERAL = 128

// by object: aliases that share a variable share its filter, whose names are sorted once
const keysOfLists = new WeakMap<readonly string[], string>()
const keysOfFilters = new WeakMap<object, string>()
// those of a token, which is remembered
const keysOfAccess = new WeakMap<readonly Scope[], string>()

/**
 * The same for filters that select the same, in whichever order or how often they name it. Computed once for each
 * object.
 */
export function filterKey(filter: Filter): string {
  let key = keysOfFilters.get(filter)
  if (key === undefined) {
    key = JSON.stringify([filter.from, filter.to, ...FILTER_LISTS.map((list) => listKey(filter[list]))])
    keysOfFilters.set(filter, key)
  }
  return key
}

/** The same for queries that ask for the same. */
const queryKey = (query: TokenQuery): unknown => [
  filterKey(query.filter),
  [...new Set(query.groupings.map(groupingKey))].sort(),
  query.sessions ?? false,
  query.countSessions ?? false,
  [...new Set(query.sessionPages?.map(sessionCutKey))].sort(),
  [...new Set(query.breakdowns?.map(breakdownKey))].sort(),
]

/** The same for requests whose answers are the same, query by query: who may see other things gets another one. */
export const requestKey = ({ queries, access, quality }: SourceRequest): string =>
  JSON.stringify([queries.map(queryKey), accessKey(access), quality])

/** The same for scopes that let the same in, in whichever order they are. */
export function accessKey(access: readonly Scope[]): string {
  let key = keysOfAccess.get(access)
  if (key === undefined) {
    key = short(JSON.stringify(canonicalScopes(access)))
    keysOfAccess.set(access, key)
  }
  return key
}

/** The text, or the digest of a long one. */
const short = (text: string): string =>
  text.length > MAX_LITERAL ? createHash('sha256').update(text).digest('base64url') : text

function listKey(asked: unknown): string | null {
  const names = askedValues(asked)
  if (names === undefined) return null
  let key = keysOfLists.get(names)
  if (key === undefined) {
    key = short(JSON.stringify([...new Set(names)].sort()))
    keysOfLists.set(names, key)
  }
  return key
}
