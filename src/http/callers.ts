import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Authenticate, isForged } from '../access/authenticator.ts'
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
import type { HostAndOrigin } from './host-and-origin.ts'
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

/** Before anything is read of a request: whether it was meant for us, who sent it, and whether they may be here at all. */
export function knowCallers(fastify: FastifyInstance, options: CallersOptions): void {
  const { authenticate, connections, hostAndOrigin } = options
  const headers = securityHeaders(options.isTls)
  const used = createTokenUses(options.audit)
  fastify.decorateRequest('principal', null)
  fastify.decorateRequest('token', null)
  fastify.addHook('onRequest', async (request, reply) => {
    void reply.headers({ ...headers, 'x-request-id': request.id })
    const path = pathOf(request)
    if (isOpenPath(path)) return
    const misled = hostAndOrigin.problemOf(request.headers)
    if (misled !== undefined) {
      noteRefusal(request, misled.code, options)
      await turnOfStranger(request, options)
      return refuse(request, reply, misled.status, misled.code, misled.message)
    }
    if (path === SIGN_IN_PATH || isOfGraphiql(path)) return turnOfStranger(request, options)
    const elsewhere = hostAndOrigin.elsewhere(request.headers)
    if (elsewhere !== undefined) {
      void reply.headers(corsHeaders(elsewhere))
      if (isPreflight(request.method, request.headers)) {
        await turnOfStranger(request, options)
        return reply.headers(PREFLIGHT_HEADERS).code(204).send()
      }
    }
    try {
      const session = sessionOf(request.headers, hostAndOrigin.isOwnPage(request.headers))
      const signedIn = await authenticate(request.headers.authorization ?? session)
      const { principal, token } = signedIn
      connections.showed(request.raw.socket, principal.userId)
      used(signedIn, options.addresses.of(request.raw))
      if (isScraper(principal) && path !== METRICS_PATH) {
        noteRefusal(request, 'FORBIDDEN', options, principal.userId)
        return refuse(request, reply, 403, 'FORBIDDEN', `the role scraper reads ${METRICS_PATH} alone`)
      }
      request.principal = principal
      request.token = token
    } catch (error) {
      if (!isBridgeError(error)) throw error
      await turnOfStranger(request, options)
      const address = options.addresses.of(request.raw)
      return refuseStranger(request, reply, tooManyForged(error, address, options.budgets) ?? error, options)
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
