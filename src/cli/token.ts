import { describeToken } from '../access/described-token.ts'
import { loadJwtSecrets } from '../access/secret.ts'
import { isUserId, parseTtl, signToken } from '../access/tokens.ts'
import { readConfig } from '../config.ts'
import { LIMITS } from '../domain/limits.ts'
import { provideFolder } from '../folders.ts'
import { noteCommand } from './noting.ts'
import { readAccess } from './read-access.ts'
import { readRoles } from './read-roles.ts'
import { UsageError } from './usage-error.ts'

/** `token-bridge token`: prints a bearer token alone on stdout. */
export async function printToken(options: {
  user: string
  roles: string
  ttl: string
  access?: string
}): Promise<void> {
  const { user } = options
  if (!isUserId(user))
    throw new UsageError(
      `--user must have 1 to ${LIMITS.nameLength.value} characters, and none that control or cannot be seen`,
    )
  const ttlSeconds = parseTtl(options.ttl)
  if (ttlSeconds === undefined)
    throw new UsageError(`--ttl "${options.ttl}" is no duration of up to a year, such as 90s, 15m, 1h, 7d`)
  const roles = readRoles(options.roles)
  const access = readAccess(options.access)
  const { auth, dataDir } = readConfig()
  provideFolder('DATA_DIR', dataDir)
  const [secret] = loadJwtSecrets(auth, dataDir)
  if (secret === undefined)
    throw new Error('tokens are signed elsewhere: there is AUTH_JWKS_URL, and no AUTH_JWT_SECRET')
  const token = await signToken(secret, { userId: user, roles, ...(access && { access }) }, ttlSeconds, auth)
  // nobody gets one that nobody knows of
  await noteCommand('TOKEN', describeToken({ userId: user, roles, access, ttlSeconds }))
  process.stdout.write(`${token}\n`)
}
