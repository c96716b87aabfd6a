import { type RemoteOptions, request } from './client.ts'
import { CreateMachineTokenDocument, MachineTokensDocument } from './generated.ts'
import { readAccess } from './read-access.ts'
import { readRoles } from './read-roles.ts'
import { printJson, printLines } from './terminal.ts'

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
  if (machineTokens.length === 0) return void printLines(['no machine has a token'])
  printLines(
    machineTokens.map(({ id, userId, roles, access, note, by, expiresAt, revokedAt, lastUsedAt }) => {
      const state = revokedAt == null ? `until ${expiresAt}` : `revoked ${revokedAt}`
      const used = lastUsedAt == null ? 'not used' : `used ${lastUsedAt}`
      const sees = access == null ? '' : `sees ${JSON.stringify(access, withoutNulls)}  `
      return `${id}  ${userId}  ${roles.join(',')}  ${sees}${state}  ${used}  made by ${by}  ${note ?? ''}`.trimEnd()
    }),
  )
}

const withoutNulls = (_name: string, value: unknown): unknown => value ?? undefined
