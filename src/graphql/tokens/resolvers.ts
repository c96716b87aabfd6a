import { Arg, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql'
import type { RevocationTarget } from '../../access/access-changes.ts'
import type { MachineToken } from '../../access/known-tokens.ts'
import { isRole, ROLES, type Role } from '../../access/roles.ts'
import { isUserId, parseTtl } from '../../access/tokens.ts'
import { BridgeError, invalidArgument } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import { isEverything } from '../../domain/scope.ts'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { Size } from '../cost.ts'
import { CreatedMachineTokenType, MachineTokenInput, MachineTokenType, type ScopeInput } from './types.ts'

const DEFAULT_TTL = '90d'
const MAX_NAME = LIMITS.nameLength.value
const NAME_RULE = `must have 1 to ${MAX_NAME} characters, and none that control or cannot be seen`

@Resolver()
export class TokenResolver {
  @Query(() => [MachineTokenType], { description: 'Tokens of machines that have not expired, the latest first.' })
  @Access(['operator'])
  @Size(100)
  machineTokens(@Ctx() { access }: RequestContext): MachineTokenType[] {
    return access.machineTokens().map(toType)
  }

  @Mutation(() => CreatedMachineTokenType, { description: 'Makes a token that is told once, here.' })
  @Access(['operator'])
  async createMachineToken(
    @Arg('input', () => MachineTokenInput) input: MachineTokenInput,
    @Ctx() { access, principal }: RequestContext,
  ): Promise<CreatedMachineTokenType> {
    const { userId, note } = input
    requireName('input.userId', userId)
    if (note !== undefined && note !== null) requireName('input.note', note)
    const ttlSeconds = parseTtl(input.ttl ?? DEFAULT_TTL)
    if (ttlSeconds === undefined) throw invalidArgument('input.ttl', 'must be a duration of up to a year, such as 90d')
    requireEverything(input.access)
    const request = { userId, roles: rolesOf(input.roles), note: note ?? undefined, ttlSeconds }
    const { token, machineToken } = await access.createMachineToken(request, principal.userId)
    return { token, machineToken: toType(machineToken) }
  }

  @Mutation(() => Boolean, {
    description:
      'All tokens of a user that were issued until now, or one token, are out within a second on every instance that shares the journal or the database. One of the two.',
  })
  @Access(['operator'])
  async revokeAccess(
    @Arg('userId', () => ID, { nullable: true }) userId: string | null,
    @Arg('tokenId', () => ID, { nullable: true }) tokenId: string | null,
    @Arg('reason', () => String) reason: string,
    @Ctx() { access, principal }: RequestContext,
  ): Promise<boolean> {
    requireName('reason', reason)
    await access.revoke(targetOf(userId ?? undefined, tokenId ?? undefined), reason, principal.userId)
    return true
  }
}

function targetOf(userId: string | undefined, tokenId: string | undefined): RevocationTarget {
  if (userId !== undefined && tokenId === undefined) {
    requireName('userId', userId)
    return { userId }
  }
  if (tokenId === undefined || userId !== undefined)
    throw invalidArgument('tokenId', 'one of userId and tokenId must be named, and not both')
  requireName('tokenId', tokenId)
  return { tokenId }
}

function requireName(argument: string, text: string): void {
  if (!isUserId(text)) throw invalidArgument(argument, NAME_RULE)
}

function rolesOf(texts: readonly string[]): Role[] {
  if (texts.length === 0 || !texts.every(isRole))
    throw invalidArgument('input.roles', `must be some of ${ROLES.join(', ')}`)
  return [...new Set(texts.filter(isRole))]
}

/** A token that sees a part would see everything, as long as nothing looks at its scopes. */
function requireEverything(scopes: readonly ScopeInput[] | null | undefined): void {
  if (scopes === undefined || scopes === null) return
  const access = scopes.map(({ users, projects, hosts }) => ({
    users: users ?? undefined,
    projects: projects ?? undefined,
    hosts: hosts ?? undefined,
  }))
  if (!isEverything(access))
    throw new BridgeError('NOT_IMPLEMENTED', 'tokens that see a part come with a later version', {
      argument: 'input.access',
    })
}

function toType({ roles, note, revokedAt, lastUsedAt, ...rest }: MachineToken): MachineTokenType {
  return {
    ...rest,
    roles: [...roles],
    access: null,
    ...(note === undefined ? {} : { note }),
    ...(revokedAt === undefined ? {} : { revokedAt }),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
  }
}
