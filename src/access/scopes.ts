import { z } from 'zod'
import { LIMITS } from '../domain/limits.ts'
import { isPlainText } from '../domain/plain-text.ts'

const MAX_NAMES = LIMITS.filterNames.value
const names = z.array(z.string().refine((name) => isPlainText(name, LIMITS.nameLength.value))).max(MAX_NAMES)

/** A record is within a scope if every list that is there names its value. */
const SCOPE = z.strictObject({ users: names.optional(), projects: names.optional(), hosts: names.optional() })
export type Scope = z.infer<typeof SCOPE>

/** The claim `access` of a token: it sees what is within one of the scopes. */
export const ACCESS_CLAIM = z.array(SCOPE).max(100)

/** Whether one of the scopes leaves nothing out. */
export function isEverything(access: readonly Scope[]): boolean {
  return access.some(
    ({ users, projects, hosts }) => users === undefined && projects === undefined && hosts === undefined,
  )
}
