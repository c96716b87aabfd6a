import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql'
import { BridgeError, invalidArgument } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import { isPlainText } from '../../domain/plain-text.ts'
import { type GuardState, NOT_KNOWN_YET } from '../../rollout/guard.ts'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { GuardType } from './types.ts'

@Resolver()
export class GuardResolver {
  @Query(() => GuardType, { description: 'The emergency brake of the rollout.' })
  @Access(['operator'])
  guard(@Ctx() context: RequestContext): GuardType {
    return toGuard(knownState(context), context)
  }

  @Mutation(() => GuardType, {
    description:
      'Takes everybody to the files at once, within a second on every instance, over starts, until it is reset; answers say GUARD_TRIPPED. Where it has tripped, nothing changes.',
  })
  @Access(['operator'])
  async tripGuard(@Arg('reason', () => String) reason: string, @Ctx() context: RequestContext): Promise<GuardType> {
    return toGuard(await context.guard.trip(requireReason(reason), context.principal.userId), context)
  }

  @Mutation(() => GuardType, { description: 'Ends it: flags and progress decide again.' })
  @Access(['operator'])
  async resetGuard(@Arg('reason', () => String) reason: string, @Ctx() context: RequestContext): Promise<GuardType> {
    knownState(context)
    return toGuard(await context.guard.reset(requireReason(reason), context.principal.userId), context)
  }
}

function requireReason(reason: string): string {
  if (reason.trim() !== '' && isPlainText(reason, LIMITS.nameLength.value)) return reason
  throw invalidArgument(
    'reason',
    `must have 1 to ${LIMITS.nameLength.value} characters, none of them hidden, and not of spaces alone`,
  )
}

/** Nobody is told that it has not tripped who may be wrong. */
function knownState({ guard }: RequestContext): GuardState {
  const state = guard.state()
  if (state.tripped || guard.isKnown()) return state
  throw new BridgeError('SOURCE_UNAVAILABLE', `whether the guard has tripped is ${NOT_KNOWN_YET}`)
}

const toGuard = ({ automatic: _, ...state }: GuardState, { shadow: { evidence } }: RequestContext): GuardType => ({
  ...state,
  consistency: evidence.consistency(),
  comparisons: BigInt(evidence.comparisons()),
})
