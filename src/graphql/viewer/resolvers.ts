import { GraphQLString } from 'graphql'
import { Arg, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql'
import { isRole, ROLES } from '../../access/roles.ts'
import { isUserId } from '../../access/tokens.ts'
import { BridgeError, invalidArgument } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { SourcePreference } from '../../domain/source.ts'
import { Access, READERS } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { SourcePreferenceEnum } from '../enums.ts'
import { readFilter } from '../metrics/filter.ts'
import { TokenFilterInput } from '../metrics/types.ts'
import { DecisionExplanationType, ViewerType } from './types.ts'

@Resolver()
export class ViewerResolver {
  @Query(() => ViewerType)
  @Access('signed-in')
  viewer(@Ctx() { principal, viewer }: RequestContext): ViewerType {
    const { decision, preference } = viewer
    return { userId: principal.userId, roles: [...principal.roles], cohort: decision.cohort, decision, preference }
  }

  @Query(() => DecisionExplanationType, {
    description:
      'Why which source answers a user, were they asked now for what the filter selects, by a token with these roles (flags may be for some roles alone, and operators may always choose): flags, cohort and stored preference are theirs. Nobody is counted for it.',
  })
  @Access(['operator'])
  explainDecision(
    @Arg('userId', () => ID) userId: string,
    @Arg('filter', () => TokenFilterInput, { nullable: true }) filter: TokenFilterInput | null,
    @Arg('roles', () => [GraphQLString], { defaultValue: ['viewer'] }) roles: string[],
    @Ctx() { viewerOf }: RequestContext,
  ): DecisionExplanationType {
    if (!isUserId(userId))
      throw invalidArgument(
        'userId',
        `must have 1 to ${LIMITS.nameLength.value} characters, and none that control or cannot be seen`,
      )
    if (!roles.every(isRole)) throw invalidArgument('roles', `must be some of ${ROLES.join(', ')}`)
    const { decision, ...told } = viewerOf(userId, [...new Set(roles)]).explain(readFilter(filter))
    return { decision, cohort: decision.cohort, ...told }
  }

  @Mutation(() => ViewerType, {
    description:
      'Stores the choice of the caller; it counts where user_source_choice_enabled allows it, and for operators.',
  })
  @Access(READERS)
  async setSourcePreference(
    @Arg('preference', () => SourcePreferenceEnum) preference: SourcePreference,
    @Ctx() { principal, viewer }: RequestContext,
  ): Promise<ViewerType> {
    // giving up a choice is always allowed
    if (preference !== 'AUTO' && !viewer.mayChoose)
      throw new BridgeError(
        'FORBIDDEN',
        'a preference of your own needs the flag user_source_choice_enabled or the role operator',
      )
    const decision = await viewer.choose(preference)
    return { userId: principal.userId, roles: [...principal.roles], cohort: decision.cohort, decision, preference }
  }
}
