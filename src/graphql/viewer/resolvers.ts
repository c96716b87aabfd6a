import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql'
import { BridgeError } from '../../domain/errors.ts'
import type { SourcePreference } from '../../domain/source.ts'
import { Access, READERS } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { SourcePreferenceEnum } from '../enums.ts'
import { ViewerType } from './types.ts'

@Resolver()
export class ViewerResolver {
  @Query(() => ViewerType)
  @Access('signed-in')
  viewer(@Ctx() { principal, viewer }: RequestContext): ViewerType {
    const { decision, preference } = viewer
    return { userId: principal.userId, roles: [...principal.roles], cohort: decision.cohort, decision, preference }
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
