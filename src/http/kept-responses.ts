import { hash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { isBridgeError } from '../domain/errors.ts'
import type { RequestContext } from '../graphql/context.ts'
import { type LastingAnswer, lastingAnswerOf } from '../graphql/lasting.ts'
import type { Metrics } from '../observability/metrics.ts'
import { createKeys } from './kept-key.ts'
import { GRAPHQL_PATH } from './subscriptions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Under what its response is kept, where it may be. */
    keptUnder: string | null
  }
}

export interface KeptResponsesOptions {
  maxBytes: number
  /** Nothing is read then. */
  isIsolated: () => boolean
  metrics: Pick<Metrics, 'operation' | 'sentAgain'>
}

/** A response, as bytes. */
export interface Kept {
  answer: LastingAnswer
  /** A character for each byte: Node sends such a text together with the head, in one write. */
  payload: string
  headers: Readonly<Record<string, string>>
}

export interface KeptResponses {
  /** Under what a response to the request is kept; `undefined` where it is not. */
  keyOf: ReturnType<typeof createKeys>
  has(key: string): boolean
  /**
   * The response, where it is the one that would be made now for whoever asks. It is paid for, counted and audited then:
   * it must be sent. Looks once for each request: what did not hold is made anew.
   */
  again(request: IncomingMessage, key: string, contextOf: () => RequestContext): Promise<Kept | undefined>
  keep(key: string, kept: Kept): void
}

/** What an entry takes beside its key and payload. */
const ENTRY_BYTES = 1000
const ANSWER_HEADERS = ['content-type', 'cache-control', 'etag'] as const
/** Whoever asked may keep the answer, and asks each time whether it is still the one. */
const ASK_AGAIN = 'private, no-cache'

/**
 * Serves responses again as bytes: nothing is parsed and nothing executed. Only those that were answered from the cache
 * as a whole, to the same question of somebody with the same rights, and only while the sources would give the same
 * answers: which source answers is decided anew each time, for whoever asks, and so are rights and budgets. Metrics, log
 * and audit are those of any answer.
 */
export function createKeptResponses({ maxBytes, isIsolated, metrics }: KeptResponsesOptions): KeptResponses {
  const responses = new LRUCache<string, Kept>({
    maxSize: maxBytes,
    maxEntrySize: Math.ceil(maxBytes / 4),
    sizeCalculation: ({ payload }, key) => ENTRY_BYTES + payload.length + 2 * key.length,
  })
  const looked = new WeakSet<IncomingMessage>()
  return {
    keyOf: createKeys(),
    has: (key) => responses.has(key),
    keep: (key, kept) => void responses.set(key, kept),
    async again(request, key, contextOf) {
      const started = performance.now()
      const kept = responses.get(key)
      if (kept === undefined || isIsolated() || looked.has(request)) return undefined
      const context = contextOf()
      const { basis, operation, action, cost } = kept.answer
      if (!(await context.answers.stillHolds(basis)) || !isPaid(context, cost)) {
        // what is not paid for is refused as any question is
        context.notes.answers = []
        looked.add(request)
        return undefined
      }
      context.notes.operation = operation
      context.audit.count({ action, outcome: 'ok' })
      const ms = performance.now() - started
      context.noteSentAgain(basis, ms)
      metrics.sentAgain()
      metrics.operation('query', 'ok', ms / 1000)
      return kept
    },
  }
}

/** Sends them again to what Fastify has read, and keeps what is answered. */
export function keepResponses(
  fastify: FastifyInstance,
  responses: KeptResponses,
  contextOf: (request: FastifyRequest) => RequestContext,
): void {
  fastify.decorateRequest('context', null)
  fastify.decorateRequest('keptUnder', null)

  fastify.addHook('preHandler', async (request, reply) => {
    const { principal, raw } = request
    if (principal === null || request.routeOptions.url !== GRAPHQL_PATH || reply.sent) return
    const key = responses.keyOf(raw, request.body, principal)
    request.keptUnder = key ?? null
    const kept = key === undefined ? undefined : await responses.again(raw, key, () => contextOf(request))
    if (kept === undefined) return
    request.keptUnder = null
    void reply.headers(kept.headers)
    return hasIt(request.headers, kept) ? reply.code(304).send() : reply.send(Buffer.from(kept.payload, 'latin1'))
  })

  fastify.addHook('onSend', async ({ context, keptUnder, method }, reply, payload) => {
    if (keptUnder === null || context === null || reply.statusCode !== 200 || typeof payload !== 'string') return
    const answer = lastingAnswerOf(context)
    if (answer === undefined) return
    if (method === 'GET') void reply.headers({ etag: tagOf(payload), 'cache-control': ASK_AGAIN })
    const headers = Object.fromEntries(ANSWER_HEADERS.flatMap((name) => given(name, reply.getHeader(name))))
    responses.keep(keptUnder, { answer, headers, payload: Buffer.from(payload).toString('latin1') })
  })
}

const tagOf = (payload: string): string => `"${hash('sha256', payload, 'base64url')}"`

/** Whether the client says that it has this version of the answer. */
export function hasIt(headers: IncomingHttpHeaders, { headers: { etag } }: Pick<Kept, 'headers'>): boolean {
  if (etag === undefined) return false
  const known = headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  // a star names whatever version there is (RFC 9110, 13.1.2)
  return known.includes(etag) || (known.length === 1 && known[0] === '*')
}

const given = (name: string, value: unknown): [string, string][] => (value === undefined ? [] : [[name, String(value)]])

function isPaid({ budgets, principal }: RequestContext, cost: number): boolean {
  try {
    budgets.cost.take(principal.userId, cost)
    return true
  } catch (error) {
    if (isBridgeError(error)) return false
    throw error
  }
}
