import { Ctx, Query, Resolver } from 'type-graphql'
import { Access, READERS } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { HealthType } from './types.ts'

/** Parts of the contract that this version does not have yet. */
const OFF = ['clickhouse', 'journal', 'unleash'].map((name) => ({
  name,
  state: 'OFF' as const,
  detail: 'not in this version',
}))

@Resolver()
export class HealthResolver {
  @Query(() => HealthType)
  @Access(READERS)
  health(@Ctx() { source, cache }: RequestContext): HealthType {
    const { state, detail } = source.health()
    return {
      state,
      components: [{ name: 'enhanced-analysis', state, detail }, { name: 'redis', ...cache.health() }, ...OFF],
    }
  }
}
