import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql'
import type { SourcePreference } from '../../domain/source.ts'
import { Access, READERS } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { SourcePreferenceEnum } from '../enums.ts'
import { notImplemented } from '../not-implemented.ts'
import { ViewerType } from './types.ts'

@Resolver()
export class ViewerResolver {
  @Query(() => ViewerType)
  @Access('signed-in')
  viewer(@Ctx() { principal, decision }: RequestContext): ViewerType {
    return { userId: principal.userId, roles: [...principal.roles], cohort: null, decision, preference: 'AUTO' }
  }

  @Mutation(() => ViewerType)
  @Access(READERS)
  setSourcePreference(@Arg('preference', () => SourcePreferenceEnum) _preference: SourcePreference): ViewerType {
    return notImplemented('setSourcePreference')
  }
}
