import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../access/roles.ts'
import { isBridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { RequestContext } from '../graphql/context.ts'
import { type LastingAnswer, lastingAnswerOf } from '../graphql/lasting.ts'
import type { Metrics } from '../observability/metrics.ts'
import { accessKey } from '../reading/question-key.ts'
import { GRAPHQL_PATH } from './subscriptions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Under what its response is kept, where it may be. */
    keptUnder: string | null
  }
}

export interface KeptResponsesOptions {
  maxBytes: number
  contextOf: (request: FastifyRequest) => RequestContext
  /** Nothing is read then. */
  isIsolated: () => boolean
  metrics: Pick<Metrics, 'operation' | 'sentAgain'>
}

/** A response, as bytes. */
interface Kept {
  answer: LastingAnswer
  payload: Buffer
  headers: Record<string, string>
}

/** What an entry takes beside its key and payload. */
const ENTRY_BYTES = 1000
/** A request that is longer is not compared with others: a dashboard's are far below. */
const MAX_REQUEST = LIMITS.smallRequestBytes.value
/** By which a client says which form of answer it takes, and that it is no form of a page elsewhere. */
const ASKING_HEADERS = ['accept', 'content-type', 'apollo-require-preflight', 'x-apollo-operation-name'] as const
/** Levels of a body that is compared with others. */
const MAX_DEPTH = 50
class TooDeep extends Error {}
const ANSWER_HEADERS = ['content-type', 'cache-control', 'etag'] as const
/** Whoever asked may keep the answer, and asks each time whether it is still the one. */
const ASK_AGAIN = 'private, no-cache'

/**
 * Serves responses again as bytes: nothing is parsed and nothing executed. Only those that were answered from the cache
 * as a whole, to the same question of somebody with the same rights, and only while the sources would give the same
 * answers: which source answers is decided anew each time, for whoever asks, and so are rights and budgets. Metrics, log
 * and audit are those of any answer.
 */
export function keepResponses(
  fastify: FastifyInstance,
  { maxBytes, contextOf, isIsolated, metrics }: KeptResponsesOptions,
): void {
  const responses = new LRUCache<string, Kept>({
    maxSize: maxBytes,
    maxEntrySize: Math.ceil(maxBytes / 4),
    sizeCalculation: ({ payload }, key) => ENTRY_BYTES + payload.length + 2 * key.length,
  })
  fastify.decorateRequest('context', null)
  fastify.decorateRequest('keptUnder', null)

  fastify.addHook('preHandler', async (request, reply) => {
    const started = performance.now()
    const { principal } = request
    if (principal === null || request.routeOptions.url !== GRAPHQL_PATH || reply.sent || isIsolated()) return
    const key = keyOf(request, principal)
    const kept = key === undefined ? undefined : responses.get(key)
    request.keptUnder = key ?? null
    if (kept === undefined) return
    const context = contextOf(request)
    const { basis, operation, action, cost } = kept.answer
    if (!(await context.answers.stillHolds(basis))) return
    if (!isPaid(context, cost)) {
      // it is refused as any question is
      context.notes.answers = []
      return
    }
    request.keptUnder = null
    context.notes.operation = operation
    context.audit.count({ action, outcome: 'ok' })
    metrics.sentAgain()
    metrics.operation('query', 'ok', (performance.now() - started) / 1000)
    void reply.headers(kept.headers)
    return has(request, kept.headers.etag) ? reply.code(304).send() : reply.send(kept.payload)
  })

  fastify.addHook('onSend', async ({ context, keptUnder, method }, reply, payload) => {
    if (keptUnder === null || context === null || reply.statusCode !== 200 || typeof payload !== 'string') return
    const answer = lastingAnswerOf(context)
    if (answer === undefined) return
    if (method === 'GET') void reply.headers({ etag: tagOf(payload), 'cache-control': ASK_AGAIN })
    const headers = Object.fromEntries(ANSWER_HEADERS.flatMap((name) => given(name, reply.getHeader(name))))
    responses.set(keptUnder, { answer, headers, payload: Buffer.from(payload) })
  })
}

const tagOf = (payload: string): string => `"${hash('sha256', payload, 'base64url')}"`

/** Whether the client says that it has this version of the answer. */
function has({ headers }: FastifyRequest, etag: string | undefined): boolean {
  const known = headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return etag !== undefined && known.includes(etag)
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

/** The same for requests that ask the same in the same way, of callers with the same rights. */
function keyOf(
  { method, url, headers, body }: FastifyRequest,
  { roles, access }: Pick<Principal, 'roles' | 'access'>,
): string | undefined {
  if (method !== 'POST' && method !== 'GET') return undefined
  if (Number(headers['content-length'] ?? 0) > MAX_REQUEST) return undefined
  const asking = ASKING_HEADERS.map((name) => headers[name] ?? null)
  try {
    return JSON.stringify([method, url, asking, [...roles].sort(), accessKey(access), canonical(body ?? null)])
  } catch (error) {
    if (error instanceof TooDeep) return undefined
    throw error
  }
}

/**
 * The same value, with the members of objects in one order; lists and objects say which they are. Throws `TooDeep` where
 * it is deeper than any question, so that nobody fills the stack.
 */
function canonical(value: unknown, left = MAX_DEPTH): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (left === 0) throw new TooDeep()
  if (Array.isArray(value)) return ['list', ...value.map((item) => canonical(item, left - 1))]
  const members = value as Record<string, unknown>
  // as pairs: of a name that JavaScript treats otherwise, nothing is lost
  const pairs = Object.keys(members).sort()
  return ['object', ...pairs.map((name) => [name, canonical(members[name], left - 1)])]
}
