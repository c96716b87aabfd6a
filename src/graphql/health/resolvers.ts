import { Ctx, Query, Resolver } from 'type-graphql'
import { Access, READERS, seesOperations } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { HealthType } from './types.ts'

/** The one component without which nothing can be answered: if it is DOWN, everything is. */
const VITAL = 'enhanced-analysis'

@Resolver()
export class HealthResolver {
  @Query(() => HealthType, {
    description: 'DOWN where no question can be answered; DEGRADED where a part is not as it should be.',
  })
  @Access(READERS)
  health(@Ctx() context: RequestContext): HealthType {
    const isTold = seesOperations(context.principal)
    const components = context.health().map((one) => (isTold ? one : { ...one, detail: null }))
    const isDown = components.some(({ name, state }) => name === VITAL && state === 'DOWN')
    const isDegraded = components.some(({ state }) => state === 'DOWN' || state === 'DEGRADED')
    return { state: isDown ? 'DOWN' : isDegraded ? 'DEGRADED' : 'UP', components }
  }
}
