import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Authenticate, isForged, type SignedIn } from '../access/authenticator.ts'
import type { IssuedToken } from '../access/revocations.ts'
import { isScraper, type Principal } from '../access/roles.ts'
import { type BridgeError, isBridgeError } from '../domain/errors.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Audit } from '../ports/audit.ts'
import type { Budgets } from '../ports/budgets.ts'
import { turnOf } from '../turns/event-loop.ts'
import type { Addresses } from './address.ts'
import type { Connections } from './connections.ts'
import { isOfGraphiql } from './graphiql.ts'
import type { HostAndOrigin, Misled } from './host-and-origin.ts'
import { refuse, sendError } from './refusals.ts'
import { corsHeaders, isPreflight, PREFLIGHT_HEADERS, securityHeaders } from './response-headers.ts'
import { SIGN_IN_PATH, sessionOf } from './sign-in.ts'
import { createTokenUses } from './token-uses.ts'

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | null
    token: IssuedToken | null
  }
}

export interface CallersOptions {
  authenticate: Authenticate
  metrics: Metrics
  addresses: Addresses
  connections: Connections
  hostAndOrigin: HostAndOrigin
  isTls: boolean
  audit: Pick<Audit, 'count'>
  budgets: Pick<Budgets, 'failedLogins'>
}

export const METRICS_PATH = '/metrics'
/** Load balancers ask for these, without a token, and some without a Host. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/health/live', '/health/ready'])
export const isOpenPath = (path: string): boolean => OPEN_PATHS.has(path)

/** What is found of a request before anything is read of it: whether it was meant for us, and who sent it. */
export type Judged =
  | { kind: 'open' | 'page' }
  | { kind: 'misled'; misled: Misled }
  | { kind: 'preflight'; cors: Headers }
  | { kind: 'stranger'; cors: Headers; error: BridgeError }
  | { kind: 'scraper' | 'caller'; cors: Headers; signedIn: SignedIn }

/** Of an answer. */
type Headers = Readonly<Record<string, string>>

export interface Callers {
  /** Of every answer. */
  headers: Headers
  /** Once for each request, whoever asks first. */
  judge(request: IncomingMessage, path: string): Promise<Judged>
}

const NO_HEADERS: Headers = {}

export function createCallers(options: CallersOptions): Callers {
  const { authenticate, connections, hostAndOrigin, addresses } = options
  const used = createTokenUses(options.audit)
  const signIn = async (raw: IncomingMessage): Promise<SignedIn> => {
    const session = sessionOf(raw.headers, hostAndOrigin.isOwnPage(raw.headers))
    const signedIn = await authenticate(raw.headers.authorization ?? session)
    connections.showed(raw.socket, signedIn.principal.userId)
    used(signedIn, addresses.of(raw))
    return signedIn
  }
  const corsOf = (headers: IncomingHttpHeaders): Headers | undefined => {
    const elsewhere = hostAndOrigin.elsewhere(headers)
    return elsewhere === undefined ? undefined : corsHeaders(elsewhere)
  }
  const judge = async (raw: IncomingMessage, path: string): Promise<Judged> => {
    if (isOpenPath(path)) return { kind: 'open' }
    const misled = hostAndOrigin.problemOf(raw)
    if (misled !== undefined) return { kind: 'misled', misled }
    if (path === SIGN_IN_PATH || isOfGraphiql(path)) return { kind: 'page' }
    const cors = corsOf(raw.headers)
    if (cors !== undefined && isPreflight(raw.method ?? '', raw.headers)) return { kind: 'preflight', cors }
    try {
      const signedIn = await signIn(raw)
      const isMisplaced = isScraper(signedIn.principal) && path !== METRICS_PATH
      return { kind: isMisplaced ? 'scraper' : 'caller', cors: cors ?? NO_HEADERS, signedIn }
    } catch (error) {
      if (!isBridgeError(error)) throw error
      return { kind: 'stranger', cors: cors ?? NO_HEADERS, error }
    }
  }
  const judged = new WeakMap<IncomingMessage, Promise<Judged>>()
  return {
    headers: securityHeaders(options.isTls),
    judge(raw, path) {
      const known = judged.get(raw) ?? judge(raw, path)
      judged.set(raw, known)
      return known
    },
  }
}

/** Refuses, before anything is read of a request, what was not meant for us, and whoever may not be here at all. */
export function knowCallers(fastify: FastifyInstance, callers: Callers, options: CallersOptions): void {
  fastify.decorateRequest('principal', null)
  fastify.decorateRequest('token', null)
  fastify.addHook('onRequest', async (request, reply) => {
    void reply.headers({ ...callers.headers, 'x-request-id': request.id })
    const judged = await callers.judge(request.raw, pathOf(request))
    if ('cors' in judged) void reply.headers(judged.cors)
    switch (judged.kind) {
      case 'open':
        return
      case 'page':
        return turnOfStranger(request, options)
      case 'misled': {
        const { status, code, message } = judged.misled
        noteRefusal(request, code, options)
        await turnOfStranger(request, options)
        return refuse(request, reply, status, code, message)
      }
      case 'preflight':
        await turnOfStranger(request, options)
        return reply.headers(PREFLIGHT_HEADERS).code(204).send()
      case 'stranger': {
        await turnOfStranger(request, options)
        const told = tooManyForged(judged.error, options.addresses.of(request.raw), options.budgets)
        return refuseStranger(request, reply, told ?? judged.error, options)
      }
      case 'scraper':
        noteRefusal(request, 'FORBIDDEN', options, judged.signedIn.principal.userId)
        return refuse(request, reply, 403, 'FORBIDDEN', `the role scraper reads ${METRICS_PATH} alone`)
      case 'caller':
        request.principal = judged.signedIn.principal
        request.token = judged.signedIn.token
    }
  })
}

/** Counts a token that nobody here signed; what is told instead of that, where there were too many of them. */
export function tooManyForged(
  error: BridgeError,
  address: string,
  { failedLogins }: CallersOptions['budgets'],
): BridgeError | undefined {
  if (!isForged(error)) return undefined
  const refused = failedLogins.refusal(address, 1)
  if (refused === undefined) failedLogins.add(address, 1)
  return refused
}

/** A thousand strangers at once are answered a few at a time. */
const turnOfStranger = ({ raw }: FastifyRequest, { addresses }: CallersOptions): Promise<void> =>
  turnOf(`address ${addresses.of(raw)}`)

const STATUS: Partial<Record<BridgeError['code'], number>> = { UNAUTHENTICATED: 401, FORBIDDEN: 403, RATE_LIMITED: 429 }

export function refuseStranger(
  request: FastifyRequest,
  reply: FastifyReply,
  error: BridgeError,
  options: CallersOptions,
): FastifyReply {
  options.metrics.error(error.code)
  noteRefusal(request, error.code, options, request.principal?.userId)
  const status = STATUS[error.code]
  if (error.retryable) return sendError(reply.header('connection', 'close'), status ?? 503, error)
  if (status === 401) void reply.header('www-authenticate', 'Bearer')
  return refuse(request, reply, status ?? 403, error.code, error.message)
}

/** Whoever was sent away before the question was read. */
function noteRefusal(
  { raw }: FastifyRequest,
  outcome: string,
  { audit, addresses }: CallersOptions,
  who?: string,
): void {
  audit.count({ who, action: 'request', outcome, from: addresses.of(raw) })
}

/** Without what stands behind `?`, which can hold a question. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] as string
}

/** Who asks, on every path that is not open. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new Error('the request was not authenticated')
  return request.principal
}
