import type { IncomingHttpHeaders } from 'node:http'
import type { Principal } from '../access/roles.ts'
import { LIMITS } from '../domain/limits.ts'
import { accessKey } from '../reading/question-key.ts'

/** A request is compared with others by this. */
export interface Comparable {
  method?: string | undefined
  url?: string | undefined
  headers: IncomingHttpHeaders
}

/** One that is longer is not compared with others: a dashboard's are far below. */
export const MAX_COMPARED = LIMITS.smallRequestBytes.value
/** By which a client says which form of answer it takes, and that it is no form of a page elsewhere. */
const ASKING_HEADERS = ['accept', 'content-type', 'apollo-require-preflight', 'x-apollo-operation-name'] as const
/** Levels of a body that is compared with others. */
const MAX_DEPTH = 50
class TooDeep extends Error {}

/** What requests are compared by, once for each: a long one takes a while. */
export function createKeys(): typeof keyOf {
  const keys = new WeakMap<Comparable, { key: string | undefined }>()
  return (request, body, caller) => {
    const known = keys.get(request) ?? { key: keyOf(request, body, caller) }
    keys.set(request, known)
    return known.key
  }
}

/** The same for requests that ask the same in the same way, of callers with the same rights. */
function keyOf(
  { method, url, headers }: Comparable,
  body: unknown,
  { roles, access }: Pick<Principal, 'roles' | 'access'>,
): string | undefined {
  if (method !== 'POST' && method !== 'GET') return undefined
  if (Number(headers['content-length'] ?? 0) > MAX_COMPARED) return undefined
  const asking = ASKING_HEADERS.map((name) => headers[name] ?? null)
  try {
    return JSON.stringify([method, url, asking, [...roles].sort(), accessKey(access), canonical(body ?? null)])
  } catch (error) {
    if (error instanceof TooDeep) return undefined
    throw error
  }
}

/**
 * The same value, with the members of objects in one order; lists and objects say which they are. Throws `TooDeep` where
 * it is deeper than any question, so that nobody fills the stack.
 */
function canonical(value: unknown, left = MAX_DEPTH): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (left === 0) throw new TooDeep()
  if (Array.isArray(value)) return ['list', ...value.map((item) => canonical(item, left - 1))]
  const members = value as Record<string, unknown>
  // as pairs: of a name that JavaScript treats otherwise, nothing is lost
  const pairs = Object.keys(members).sort()
  return ['object', ...pairs.map((name) => [name, canonical(members[name], left - 1)])]
}
