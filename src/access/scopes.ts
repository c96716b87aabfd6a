import { z } from 'zod'
import { LIMITS } from '../domain/limits.ts'
import { isPlainText } from '../domain/plain-text.ts'
import { EVERYTHING, isScopeWithin, SCOPE_LISTS, type Scope } from '../domain/scope.ts'

const MAX_NAMES = LIMITS.filterNames.value
const MAX_BYTES = LIMITS.scopeBytes.value
const names = z.array(z.string().refine((name) => isPlainText(name, LIMITS.nameLength.value))).max(MAX_NAMES)

const SCOPE = z.strictObject({
  users: names.optional(),
  projects: names.optional(),
  hosts: names.optional(),
}) satisfies z.ZodType<Scope>

/** The claim `access` of a token: it sees, and an ingester's writes, what is within one of the scopes. */
export const ACCESS_CLAIM = z
  .array(SCOPE)
  .max(LIMITS.scopes.value)
  .refine((scopes) => namesIn(scopes).reduce((sum, name) => sum + Buffer.byteLength(name), 0) <= MAX_BYTES)

export const ACCESS_RULE = `must be at most ${LIMITS.scopes.value} scopes of users, projects and hosts with ${LIMITS.scopeBytes.shown} of names, each of at most ${LIMITS.nameLength.value} characters, and none that control or cannot be seen`

const namesIn = (scopes: readonly Scope[]): string[] =>
  scopes.flatMap((scope) => SCOPE_LISTS.flatMap((list) => scope[list] ?? []))

/** Whether each of some scopes lies within one of somebody's own. Absent: everything. */
export function isWithinOwn(scopes: readonly Scope[] = EVERYTHING, own: readonly Scope[]): boolean {
  return scopes.every((scope) => own.some((other) => isScopeWithin(scope, other)))
}
