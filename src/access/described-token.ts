import { clip } from '../domain/clip.ts'
import { namedValue } from '../domain/named-value.ts'
import type { Scope } from '../domain/scope.ts'

/** Longest list of scopes that is told. */
const MAX_ACCESS = 250

/** Whose a token is, and what it may do, for how long: never the token. `access` absent: everything. */
export function describeToken(token: {
  userId: string
  roles: readonly string[]
  access: readonly Scope[] | undefined
  ttlSeconds: number
}): string {
  const { userId, roles, access, ttlSeconds } = token
  const sees = access === undefined ? 'everything' : clip(JSON.stringify(access), MAX_ACCESS)
  return `${namedValue('userId', userId)} roles=${roles} ttl=${ttlSeconds}s access=${sees}`
}
