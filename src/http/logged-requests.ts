import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Principal } from '../access/roles.ts'
import { clip } from '../domain/clip.ts'
import type { RequestNotes } from '../graphql/context.ts'
import type { Logger } from '../observability/logger.ts'
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

/** A request that was answered. */
export interface AnsweredRequest {
  raw: IncomingMessage
  id: string
  method: string
  /** That its path belongs to. */
  route: string
  path: string
  status: number
  ms: number
  principal: Pick<Principal, 'userId'> | null
  notes: RequestNotes | null
  refusedWith: string[] | null
  /** That it is a part of, where that is recorded. */
  trace?: string
}

/** Counts and logs a request. */
export type NoteRequest = (answered: AnsweredRequest) => void

const MAX_PATH = 200

/**
 * A line for each request: who asked, by which operation, what answered and why, and the codes of its errors, since
 * GraphQL answers most of them with 200. Nothing of what was asked or answered.
 */
export function createRequestLog(logger: Logger, metrics: Pick<Metrics, 'request'>): NoteRequest {
  // these lines have the members below and no others: looking for secret ones in each takes longer than writing it
  const lines = logger.child({}, { redact: [] })
  return ({ id, method, route, path, status, ms, principal, notes, refusedWith, trace }) => {
    metrics.request(route, method, status, ms / 1000)
    const known = {
      ...(principal !== null && { user: principal.userId }),
      ...(refusedWith !== null && { errors: refusedWith }),
      ...(notes !== null && fieldsOf(notes)),
      ...(trace !== undefined && { trace }),
    }
    lines.info({ reqId: id, method, path: clip(path, MAX_PATH), status, ms: Math.round(ms), ...known }, 'request')
    notes?.whenSent?.()
  }
}

/** Every request that Fastify answers. */
export function logRequests(fastify: FastifyInstance, note: NoteRequest): void {
  fastify.decorateRequest('notes', null)
  fastify.decorateRequest('refusedWith', null)
  fastify.addHook('onSend', async (request, { statusCode }, payload) => {
    if (statusCode >= 400 && request.notes === null && typeof payload === 'string')
      request.refusedWith = codesIn(payload)
  })
  fastify.addHook('onResponse', async (request, { statusCode: status, elapsedTime: ms }) => {
    const { raw, id, method, notes, principal, refusedWith } = request
    const route = request.routeOptions.url ?? 'unknown'
    note({ raw, id, method, route, path: pathOf(request), status, ms, principal, notes, refusedWith })
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
