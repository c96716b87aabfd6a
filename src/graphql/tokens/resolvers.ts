import { Arg, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql'
import type { RevocationTarget } from '../../access/access-changes.ts'
import type { MachineToken } from '../../access/known-tokens.ts'
import { isRole, type Principal, ROLES, type Role, type TokenHolder } from '../../access/roles.ts'
import { ACCESS_CLAIM, ACCESS_RULE, isWithinOwn } from '../../access/scopes.ts'
import { isUserId, parseTtl } from '../../access/tokens.ts'
import { BridgeError, invalidArgument } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import { canonicalScopes, isEverything, type Scope } from '../../domain/scope.ts'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { Size } from '../cost.ts'
import {
  CreatedMachineTokenType,
  MachineTokenInput,
  MachineTokenType,
  type ScopeInput,
  type ScopeType,
} from './types.ts'

const DEFAULT_TTL = '90d'
const MAX_NAME = LIMITS.nameLength.value
const NAME_RULE = `must have 1 to ${MAX_NAME} characters, and none that control or cannot be seen`

@Resolver()
export class TokenResolver {
  @Query(() => [MachineTokenType], {
    description:
      'Tokens of machines that have not expired, the latest first; of those that see no more than the caller.',
  })
  @Access('operator-of-a-part')
  @Size(100)
  machineTokens(@Ctx() context: RequestContext): MachineTokenType[] {
    return visibleTokens(context).map(toType)
  }

  @Mutation(() => CreatedMachineTokenType, { description: 'Makes a token that is told once, here.' })
  @Access('operator-of-a-part')
  async createMachineToken(
    @Arg('input', () => MachineTokenInput) input: MachineTokenInput,
    @Ctx() { access, principal }: RequestContext,
  ): Promise<CreatedMachineTokenType> {
    const { userId, note } = input
    requireName('input.userId', userId)
    if (note !== undefined && note !== null) requireName('input.note', note)
    const ttlSeconds = parseTtl(input.ttl ?? DEFAULT_TTL)
    if (ttlSeconds === undefined) throw invalidArgument('input.ttl', 'must be a duration of up to a year, such as 90d')
    const asked = { userId, roles: rolesOf(input.roles), access: accessOf(input.access) }
    requireNoMore(asked, principal)
    const request = { ...asked, note: note ?? undefined, ttlSeconds }
    const { token, machineToken } = await access.createMachineToken(request, principal.userId)
    return { token, machineToken: toType(machineToken) }
  }

  @Mutation(() => Boolean, {
    description:
      'All tokens of a user that were issued until now, or one token, are out within a second on every instance that shares the journal or the database. One of the two. Answered while the bridge is isolated, too. A tokenId that nobody knows is revoked, too: it may be the jti of a token that is no machine’s.',
  })
  @Access('operator-of-a-part')
  async revokeAccess(
    @Arg('userId', () => ID, { nullable: true }) userId: string | null,
    @Arg('tokenId', () => ID, { nullable: true }) tokenId: string | null,
    @Arg('reason', () => String) reason: string,
    @Arg('made', () => Boolean, {
      nullable: true,
      description:
        'With userId: also the tokens of machines that this user has made, for whomever; and those that the user makes in the next five seconds, at an instance that has not heard of it.',
    })
    made: boolean | null,
    @Ctx() context: RequestContext,
  ): Promise<boolean> {
    requireName('reason', reason)
    const target = targetOf(userId ?? undefined, tokenId ?? undefined, made ?? false)
    requireOwn(target, context)
    await context.access.revoke(target, reason, context.principal.userId)
    return true
  }
}

function targetOf(userId: string | undefined, tokenId: string | undefined, made: boolean): RevocationTarget {
  if (userId !== undefined && tokenId === undefined) {
    requireName('userId', userId)
    return made ? { userId, made } : { userId }
  }
  if (tokenId === undefined || userId !== undefined)
    throw invalidArgument('tokenId', 'one of userId and tokenId must be named, and not both')
  requireName('tokenId', tokenId)
  if (made) throw invalidArgument('made', 'needs userId: it is users who make tokens')
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

/** `undefined`: everything. */
function accessOf(asked: readonly ScopeInput[] | null | undefined): readonly Scope[] | undefined {
  if (asked === undefined || asked === null) return undefined
  const scopes = ACCESS_CLAIM.safeParse(
    asked.map(({ users, projects, hosts }) => ({
      users: users ?? undefined,
      projects: projects ?? undefined,
      hosts: hosts ?? undefined,
    })),
  )
  if (!scopes.success) throw invalidArgument('input.access', ACCESS_RULE)
  return isEverything(scopes.data) ? undefined : canonicalScopes(scopes.data)
}

/** Nobody makes a token that exceeds their own. Figures of the whole service, which a scraper reads, are no part. */
function requireNoMore({ userId, roles, access }: TokenHolder, own: Principal): void {
  if (!isWithinOwn(access, own.access))
    throw new BridgeError('FORBIDDEN', 'input.access: each scope must lie within one of your own', {
      argument: 'input.access',
    })
  if (isEverything(own.access)) return
  // a user's preference, budgets and calls under a key are the user's, whatever a token sees
  if (userId !== own.userId && !own.access.some(({ users }) => users?.includes(userId)))
    throw new BridgeError('FORBIDDEN', 'input.userId: you see a part, so it must be you, or a user of your scopes', {
      argument: 'input.userId',
    })
  if (roles.includes('scraper'))
    throw new BridgeError('FORBIDDEN', 'input.roles: a scraper sees figures of everything, which you do not', {
      argument: 'input.roles',
    })
  const more = roles.find((role) => !own.roles.includes(role))
  if (more !== undefined)
    throw new BridgeError('FORBIDDEN', `input.roles: you see a part, and do not have the role ${more} yourself`, {
      argument: 'input.roles',
    })
}

const visibleTokens = ({ access, principal }: RequestContext): MachineToken[] =>
  access.machineTokens().filter((token) => seesNoMore(token, principal))

/** A scraper sees figures of everything, whatever its scopes. */
const seesNoMore = ({ roles, access }: MachineToken, own: Principal): boolean =>
  isWithinOwn(access, own.access) && (!roles.includes('scraper') || isEverything(own.access))

/** Who sees a part takes away what sees no more than that; of tokens that were signed elsewhere nobody knows what they see. */
function requireOwn(target: RevocationTarget, context: RequestContext): void {
  if (isEverything(context.principal.access)) return
  if ('userId' in target)
    throw new BridgeError('FORBIDDEN', 'userId: tokens of a user may see more than you do; name a tokenId', {
      argument: 'userId',
    })
  if (!visibleTokens(context).some(({ id }) => id === target.tokenId))
    throw new BridgeError('FORBIDDEN', 'tokenId: there is no such machine token that sees no more than you do', {
      argument: 'tokenId',
    })
}

function toType({ roles, access, note, revokedAt, lastUsedAt, ...rest }: MachineToken): MachineTokenType {
  return {
    ...rest,
    roles: [...roles],
    access: access === undefined ? null : access.map(toScopeType),
    ...(note === undefined ? {} : { note }),
    ...(revokedAt === undefined ? {} : { revokedAt }),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
  }
}

const toScopeType = (scope: Scope): ScopeType =>
  Object.fromEntries(Object.entries(scope).map(([list, names]) => [list, [...names]]))
