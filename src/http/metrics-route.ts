import type { FastifyInstance } from 'fastify'
import type { Principal } from '../access/roles.ts'
import { seesOperations } from '../graphql/access.ts'
import { isolatedError } from '../graphql/isolation/enforce.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Audit } from '../ports/audit.ts'
import type { Addresses } from './address.ts'
import { METRICS_PATH, principalOf } from './callers.ts'
import { errorBody, sendError } from './refusals.ts'

export interface MetricsRouteOptions {
  metrics: Metrics
  addresses: Addresses
  audit: Pick<Audit, 'count'>
  isIsolated: () => boolean
}

export const METRICS_REFUSAL = `${METRICS_PATH} needs the role scraper, or operator with a token that sees everything`

/** Its figures are of the whole service. */
export const readsMetrics = (principal: Principal): boolean =>
  principal.roles.includes('scraper') || seesOperations(principal)

export function addMetrics(
  fastify: FastifyInstance,
  { metrics, addresses, audit, isIsolated }: MetricsRouteOptions,
): void {
  fastify.get(METRICS_PATH, async (request, reply) => {
    const principal = principalOf(request)
    if (!readsMetrics(principal)) {
      audit.count({
        who: principal.userId,
        action: METRICS_PATH,
        outcome: 'FORBIDDEN',
        from: addresses.of(request.raw),
      })
      return reply.code(403).send(errorBody('FORBIDDEN', METRICS_REFUSAL))
    }
    if (isIsolated()) return sendError(reply, 503, isolatedError())
    const { contentType, body } = await metrics.expose()
    return reply.type(contentType).send(body)
  })
}
