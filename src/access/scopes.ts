import { z } from 'zod'
import { LIMITS } from '../domain/limits.ts'
import { isPlainText } from '../domain/plain-text.ts'
import type { Scope } from '../domain/scope.ts'

const MAX_NAMES = LIMITS.filterNames.value
const names = z.array(z.string().refine((name) => isPlainText(name, LIMITS.nameLength.value))).max(MAX_NAMES)

const SCOPE = z.strictObject({
  users: names.optional(),
  projects: names.optional(),
  hosts: names.optional(),
}) satisfies z.ZodType<Scope>

/** The claim `access` of a token: it sees, and an ingester's writes, what is within one of the scopes. */
export const ACCESS_CLAIM = z.array(SCOPE).max(100)
