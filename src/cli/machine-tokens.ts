import { type RemoteOptions, request } from './client.ts'
import { CreateMachineTokenDocument, MachineTokensDocument, RevokeAccessDocument } from './generated.ts'
import { readAccess } from './read-access.ts'
import { readRoles } from './read-roles.ts'
import { printJson, printLines } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** `token-bridge machine-token create`: prints the token alone on stdout. */
export async function createMachineToken(
  options: RemoteOptions & { user: string; roles: string; note?: string; ttl: string; access?: string },
): Promise<void> {
  const { user: userId, note, ttl } = options
  const access = readAccess(options.access) ?? null
  const input = { userId, roles: readRoles(options.roles), access, note: note ?? null, ttl }
  const { createMachineToken: created } = await request(CreateMachineTokenDocument, { input }, options)
  if (options.json) return void printJson(created)
  printLines([created.token])
}

/** `token-bridge machine-token list`: one a line, the latest first. */
export async function listMachineTokens(options: RemoteOptions): Promise<void> {
  const { machineTokens } = await request(MachineTokensDocument, {}, options)
  if (options.json) return void printJson(machineTokens)
  printLines(
    machineTokens.map(({ id, userId, roles, access, note, expiresAt, revokedAt, lastUsedAt }) => {
      const state = revokedAt == null ? `until ${expiresAt}` : `revoked ${revokedAt}`
      const used = lastUsedAt == null ? 'not used' : `used ${lastUsedAt}`
      const sees = access == null ? '' : `sees ${JSON.stringify(access, withoutNulls)}  `
      return `${id}  ${userId}  ${roles.join(',')}  ${sees}${state}  ${used}  ${note ?? ''}`.trimEnd()
    }),
  )
}

const withoutNulls = (_name: string, value: unknown): unknown => value ?? undefined

/** `token-bridge revoke`: of a user, or one token. */
export async function revokeAccess(
  options: RemoteOptions & { user?: string; id?: string; reason: string },
): Promise<void> {
  const { user, id, reason } = options
  if ((user === undefined) === (id === undefined)) throw new UsageError('revoke wants one of --user and --id')
  const known = id === undefined ? undefined : await isListed(id, options)
  const { revokeAccess: revoked } = await request(
    RevokeAccessDocument,
    { userId: user ?? null, tokenId: id ?? null, reason },
    options,
  )
  if (id === undefined) {
    if (options.json) printJson({ revoked })
    else printLines([`all tokens of ${user} until now are revoked`])
    return
  }
  if (options.json) return void printJson({ revoked, known })
  printLines([
    known
      ? `the token ${id} is revoked`
      : `no machine token ${id} is known (see token-bridge machine-token list); a token whose claim jti is that is refused from now on`,
  ])
}

/** Asked before, as the token that asks may be the one that is revoked. */
async function isListed(id: string, options: RemoteOptions): Promise<boolean> {
  const { machineTokens } = await request(MachineTokensDocument, {}, options)
  return machineTokens.some((token) => token.id === id)
}
