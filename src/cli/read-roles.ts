import { isRole, ROLES, type Role } from '../access/roles.ts'
import { UsageError } from './usage-error.ts'

/** Roles as they are given to commands, comma-separated. */
export function readRoles(text: string): Role[] {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !isRole(name))
  if (unknown.length > 0) throw new UsageError(`--roles knows ${ROLES.join(', ')}, not "${unknown.join('", "')}"`)
  return [...new Set(names.filter(isRole))]
}
