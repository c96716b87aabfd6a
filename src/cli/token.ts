import { isRole, ROLES, type Role } from '../access/roles.ts'
import { loadJwtSecret } from '../access/secret.ts'
import { isUserId, parseTtl, signToken } from '../access/tokens.ts'
import { readConfig } from '../config.ts'
import { LIMITS } from '../domain/limits.ts'
import { requireFolder } from '../folders.ts'
import { UsageError } from './usage-error.ts'

/** `token-bridge token`: prints a bearer token alone on stdout. */
export async function printToken(options: { user: string; roles: string; ttl: string }): Promise<void> {
  const { user } = options
  if (!isUserId(user))
    throw new UsageError(
      `--user must have 1 to ${LIMITS.nameLength.value} characters, and none that control or cannot be seen`,
    )
  const ttlSeconds = parseTtl(options.ttl)
  if (ttlSeconds === undefined)
    throw new UsageError(`--ttl "${options.ttl}" is no duration of up to a year, such as 90s, 15m, 1h, 7d`)
  const roles = readRoles(options.roles)
  const { authJwtSecret, dataDir } = readConfig()
  requireFolder('DATA_DIR', dataDir)
  const token = await signToken(loadJwtSecret(authJwtSecret, dataDir), { userId: user, roles }, ttlSeconds)
  process.stdout.write(`${token}\n`)
}

function readRoles(text: string): Role[] {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !isRole(name))
  if (unknown.length > 0) throw new UsageError(`--roles knows ${ROLES.join(', ')}, not "${unknown.join('", "')}"`)
  return [...new Set(names.filter(isRole))]
}
