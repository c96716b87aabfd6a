import { createHash } from 'node:crypto'
import type { TokenFilter } from '../domain/token-query.ts'

/** A filter, or what comes in as one: members that are null are absent. */
type Filter = { readonly [K in keyof TokenFilter]?: TokenFilter[K] | null | object }

/** A list whose text is longer is named by its digest. */
const MAX_LITERAL = 128

// a thousand names that a hundred aliases share are sorted once
const keysOfLists = new WeakMap<readonly string[], string>()
const keysOfFilters = new WeakMap<object, string>()

/** The same for filters that select the same: the order of names does not matter. Computed once for each object. */
export function filterKey(filter: Filter): string {
  let key = keysOfFilters.get(filter)
  if (key === undefined) {
    const { from, to, projects, models, sessionIds, users, hosts } = filter
    key = JSON.stringify([from, to, ...[projects, models, sessionIds, users, hosts].map(listKey)])
    keysOfFilters.set(filter, key)
  }
  return key
}

function listKey(names: unknown): string | null {
  if (!Array.isArray(names)) return null
  let key = keysOfLists.get(names)
  if (key === undefined) {
    const text = JSON.stringify(names.toSorted())
    key = text.length > MAX_LITERAL ? createHash('sha256').update(text).digest('base64url') : text
    keysOfLists.set(names, key)
  }
  return key
}
