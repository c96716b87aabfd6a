import { Ctx, Query, Resolver } from 'type-graphql'
import { FLAG_NAMES } from '../../ports/flags.ts'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { Size } from '../cost.ts'
import { FlagType } from './types.ts'

@Resolver()
export class FlagsResolver {
  @Query(() => [FlagType], { description: 'Every flag that the bridge asks for.' })
  @Access(['operator'])
  @Size(Object.keys(FLAG_NAMES).length)
  flags(@Ctx() { flags }: RequestContext): FlagType[] {
    return flags()
  }
}
