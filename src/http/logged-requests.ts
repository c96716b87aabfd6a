import type { FastifyInstance } from 'fastify'
import { clip } from '../domain/clip.ts'
import type { RequestNotes } from '../graphql/context.ts'
import type { Metrics } from '../observability/metrics.ts'
import { pathOf } from './callers.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a request for GraphQL, once it is known who asks. */
    notes: RequestNotes | null
    /** Codes of what was answered before anything was asked of GraphQL. */
    refusedWith: string[] | null
  }
}

const MAX_PATH = 200

/**
 * A line for each request: who asked, by which operation, what answered and why, and the codes of its errors, since
 * GraphQL answers most of them with 200. Nothing of what was asked or answered.
 */
export function logRequests(fastify: FastifyInstance, metrics: Metrics): void {
  fastify.decorateRequest('notes', null)
  fastify.decorateRequest('refusedWith', null)
  fastify.addHook('onSend', async (request, { statusCode }, payload) => {
    if (statusCode >= 400 && request.notes === null && typeof payload === 'string')
      request.refusedWith = codesIn(payload)
  })
  fastify.addHook('onResponse', async (request, { statusCode, elapsedTime }) => {
    const { method, log, notes, principal, refusedWith } = request
    metrics.request(request.routeOptions.url ?? 'unknown', method, statusCode, elapsedTime / 1000)
    const path = clip(pathOf(request), MAX_PATH)
    const known = {
      ...(principal !== null && { user: principal.userId }),
      ...(refusedWith !== null && { errors: refusedWith }),
      ...(notes !== null && fieldsOf(notes)),
    }
    log.info({ method, path, status: statusCode, ms: Math.round(elapsedTime), ...known }, 'request')
  })
}

/** The codes of the errors in a body of GraphQL's shape; `null` where it has another one. */
function codesIn(body: string): string[] | null {
  try {
    const { errors } = JSON.parse(body) as { errors: { extensions: { code: string } }[] }
    return [...new Set(errors.map(({ extensions }) => extensions.code))]
  } catch {
    return null
  }
}

/** Each field once, however many answers there are: `HYBRID`, or `HYBRID,LEGACY` where they differ. */
function fieldsOf({ operation, answers, errors }: RequestNotes) {
  const each = (name: 'source' | 'reason' | 'cache'): string =>
    [...new Set(answers.map((answer) => answer[name]))].join(',')
  return {
    ...(operation !== undefined && { operation }),
    ...(answers.length > 0 && { source: each('source'), reason: each('reason'), cache: each('cache') }),
    ...(errors.length > 0 && { errors }),
  }
}
