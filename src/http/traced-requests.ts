import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { factsOfAnswers } from '../graphql/told-in-traces.ts'
import { NO_TRACER, runIn, type Span, type SpanFacts, type Tracer } from '../ports/spans.ts'
import { CLIENT_GONE } from './beginning.ts'
import type { AnsweredRequest, NoteRequest } from './logged-requests.ts'
import { GRAPHQL_PATH } from './subscriptions.ts'

/** The spans of requests that are being answered. */
export interface TracedRequests {
  /** What Fastify does with a request from here on is a part of its span. */
  trace(fastify: FastifyInstance): void
  /** Ends the span of each request that is noted; one that was sent again as bytes is told of afterwards. */
  noting(note: NoteRequest): NoteRequest
}

/**
 * Of questions and mutations of callers who are known: a health check every second is no trace, and nobody can fill the
 * collector without a token. What comes over WebSocket: `traced-subscriptions.ts`.
 */
export function createTracedRequests(tracer: Tracer): TracedRequests {
  if (tracer === NO_TRACER) return { trace: () => undefined, noting: (note) => note }
  /** `undefined` of those that are not recorded. */
  const spans = new WeakMap<IncomingMessage, Span | undefined>()
  const begin = ({ headers }: IncomingMessage, sinceMs: number): Span | undefined =>
    tracer.begin('request', { traceparent: headers.traceparent as string | undefined, sinceMs })
  return {
    trace(fastify) {
      // what is a part of what is lost where Node reads a body: so it begins here, as of the arrival
      fastify.addHook('preHandler', ({ principal, raw, routeOptions }, reply, goOn) => {
        if (principal === null || routeOptions.url !== GRAPHQL_PATH) return goOn()
        const span = begin(raw, reply.elapsedTime)
        spans.set(raw, span)
        if (span === undefined) return goOn()
        // a client that went away is noted by nobody
        reply.raw.once('close', () => span.isOver() || span.end(String(CLIENT_GONE)))
        runIn(span, goOn)
      })
    },
    noting: (note) => (answered) => {
      const { raw, principal, route, ms } = answered
      const isNew = principal !== null && route === GRAPHQL_PATH && !spans.has(raw)
      const span = isNew ? begin(raw, ms) : spans.get(raw)
      span?.tell(factsOf(answered))
      span?.end(errorOf(answered))
      note(span === undefined ? answered : { ...answered, trace: span.place.traceId })
    },
  }
}

const errorsOf = ({ notes, refusedWith }: AnsweredRequest): readonly string[] => notes?.errors ?? refusedWith ?? []

function errorOf(answered: AnsweredRequest): string | undefined {
  const [code] = errorsOf(answered)
  return code ?? (answered.status >= 500 ? String(answered.status) : undefined)
}

/** The type of the operation, without the name that the client gave it. */
function factsOf(answered: AnsweredRequest): SpanFacts {
  const { method, route, status, notes } = answered
  const errors = errorsOf(answered)
  const operation = notes?.operation?.split(' ', 1)[0]
  return {
    method,
    route,
    status,
    ...(operation !== undefined && { operation }),
    ...(notes !== null && factsOfAnswers(notes)),
    ...(errors.length > 0 && { errors }),
  }
}
