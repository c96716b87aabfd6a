import { Ctx, Query, Resolver } from 'type-graphql'
import { Access, READERS, seesOperations } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { HealthType } from './types.ts'

/** Where one of these is DOWN no question is answered: neither without the analysis, nor by a bridge that is isolated. */
const VITAL: ReadonlySet<string> = new Set(['enhanced-analysis', 'isolation'])

@Resolver()
export class HealthResolver {
  @Query(() => HealthType, {
    description: 'DOWN where no question can be answered; DEGRADED where a part is not as it should be.',
  })
  @Access(READERS)
  health(@Ctx() context: RequestContext): HealthType {
    const isTold = seesOperations(context.principal)
    const components = context.health().map((one) => (isTold ? one : { ...one, detail: null }))
    const isDown = components.some(({ name, state }) => VITAL.has(name) && state === 'DOWN')
    const isDegraded = components.some(({ state }) => state === 'DOWN' || state === 'DEGRADED')
    return { state: isDown ? 'DOWN' : isDegraded ? 'DEGRADED' : 'UP', components }
  }
}
