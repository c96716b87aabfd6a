import type { RequestListener } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { ApolloServer } from '@apollo/server'
import fastifyApollo from '@as-integrations/fastify'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyRequest, LogController } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import type { Authenticate } from '../access/authenticator.ts'
import type { KnownTokens } from '../access/known-tokens.ts'
import type { Principal } from '../access/roles.ts'
import { BridgeError, isBridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { RequestContext } from '../graphql/context.ts'
import { type Answered, nameAsApolloDoes } from '../graphql/persisted-documents.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Audit } from '../ports/audit.ts'
import type { Budgets } from '../ports/budgets.ts'
import type { Tracer } from '../ports/spans.ts'
import { type Addresses, createAddresses } from './address.ts'
import { createApollo, MAX_DOCUMENT_TOKENS } from './apollo.ts'
import { CLIENT_GONE, createBeginning } from './beginning.ts'
import { guardBodies } from './bodies.ts'
import { createBodyRoom } from './body-room.ts'
import { type CallersOptions, createCallers, isOpenPath, knowCallers, pathOf, refuseStranger } from './callers.ts'
import { type Certificate, tlsOptionsOf } from './certificate.ts'
import { boundUnread, watchConnections } from './connections.ts'
import { createDraining, type Draining } from './draining.ts'
import { addGraphiql } from './graphiql.ts'
import { createHostAndOrigin } from './host-and-origin.ts'
import { createKeptResponses, keepResponses } from './kept-responses.ts'
import { listenError } from './listen-error.ts'
import { createRequestLog, logRequests } from './logged-requests.ts'
import { addMetrics } from './metrics-route.ts'
import { errorBody, messageOf, refuseConnection, sendError } from './refusals.ts'
import { contextsFor } from './request-context.ts'
import { requestIdOf } from './request-id.ts'
import { pathOfTarget } from './request-target.ts'
import { securityHeaders } from './response-headers.ts'
import { takeShortWay } from './short-way.ts'
import { addSignIn, type SignIn } from './sign-in.ts'
import { attachSubscriptions, GRAPHQL_PATH, isSubscriptionUpgrade } from './subscriptions.ts'
import { createTracedRequests } from './traced-requests.ts'
import { createWholeBodies } from './whole-bodies.ts'

export interface HttpServerOptions {
  schema: GraphQLSchema
  introspection: boolean
  logger: Logger
  metrics: Metrics
  authenticate: Authenticate
  /** Of revocations. */
  known: Pick<KnownTokens, 'check' | 'watch'>
  /** Names under which the bridge is asked, beside those of this machine and all addresses. */
  allowedHosts: readonly string[]
  /** Origins of pages elsewhere that may ask. */
  corsOrigins: readonly string[]
  /** Whether pages of this machine may ask, from any port. */
  loopbackOrigins: boolean
  /** Absent: no browser is let in by an address. */
  signIn: SignIn | undefined
  /** Absent: HTTP in the clear. */
  tls: Certificate | undefined
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[]
  /** WebSockets with a token, of all users together. */
  maxSockets: number
  /** A WebSocket with a token was opened, or is gone. */
  onSocket: (change: 1 | -1) => void
  budgets: Pick<Budgets, 'bytes' | 'failedLogins'>
  answered: Answered
  /** Settles when everything is known that was acknowledged elsewhere before it was called. */
  whenCurrent: () => Promise<void>
  audit: Pick<Audit, 'note' | 'count'>
  /** Nothing is read but health then. */
  isIsolated: () => boolean
  /** `from`: the caller's address. */
  createContext: (principal: Principal, requestId: string, from: string) => RequestContext
  /** Whether questions can be answered now, and why not. */
  readiness: () => { ready: boolean; detail: string }
  /** Of memory for responses that are kept as they were sent. */
  keptResponseBytes: number
  tracer: Tracer
}

export interface HttpServer {
  /** Listens and returns the address, `http://127.0.0.1:4000`. */
  listen(host: string, port: number): Promise<string>
  /** The certificate of connections that are made from here on. */
  renew(certificate: Certificate): void
  /** Closes all WebSockets, and with them what they follow. */
  sendAway(reason: string): void
  /** Ends: nothing new is taken, what is in flight gets up to `deadlineMs`. */
  close(deadlineMs: number): Promise<void>
}

/** Between two looks for connections whose request does not arrive in time. */
const LATE_CHECK_MS = 1000
/**
 * Connections that the system holds until they are taken, up to its own bound (`somaxconn`). Where there is no room, a
 * client is not told: it tries again after 1, 3 and 7 seconds, and a thousand strangers at once delay everybody so.
 */
const WAITING_CONNECTIONS = 4096

const listenTextResolver = (address: string): string => `listening at ${address}`

export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const addresses = createAddresses(options.trustedProxies)
  const fastify = createFastify(options)
  // nobody else listens yet
  const [fastifysWay] = fastify.server.listeners('request') as [RequestListener]
  const apollo = createApollo(options)
  await apollo.start()
  const connections = watchConnections(fastify.server, addresses)
  const draining = createDraining(fastify.server)
  const isTls = options.tls !== undefined
  refuseLate(fastify, draining, isTls)
  const hostAndOrigin = createHostAndOrigin({ ...options, isTls })
  addHooks(fastify, { ...options, fastifysWay, draining, addresses, connections, hostAndOrigin, isTls })
  // before the routes: each takes the handler that is set when it is registered
  handleErrors(fastify)
  await addRoutes(fastify, apollo, { ...options, addresses })
  if (options.introspection) addGraphiql(fastify)
  if (options.signIn !== undefined) addSignIn(fastify, options.signIn, { ...options, addresses, isTls })
  const subscriptions = attachSubscriptions(
    fastify.server,
    { ...options, addressOf: addresses.of, hostAndOrigin },
    MAX_DOCUMENT_TOKENS,
  )
  return {
    listen: (host, port) =>
      fastify.listen({ host, port, backlog: WAITING_CONNECTIONS, listenTextResolver }).catch((error) => {
        throw listenError(error, host, port)
      }),
    renew(certificate) {
      if (options.tls !== undefined) (fastify.server as TlsServer).setSecureContext(tlsOptionsOf(certificate))
    },
    sendAway: subscriptions.sendAway,
    async close(deadlineMs) {
      await Promise.all([subscriptions.close(), draining.drain(deadlineMs)])
      await fastify.close()
      await apollo.stop()
    },
  }
}

/** Who comes after the end has begun is told to come again: another instance may answer by then. Health still tells. */
function refuseLate(fastify: FastifyInstance, draining: Draining, isTls: boolean): void {
  fastify.addHook('onRequest', async (request, reply) => {
    if (!draining.cameLate(reply.raw) || isOpenPath(pathOf(request))) return
    await draining.whenToRefuse(reply.raw)
    void reply.headers(securityHeaders(isTls))
    return sendError(reply, 503, new BridgeError('SOURCE_UNAVAILABLE', 'the server is shutting down: try again'))
  })
}

function createFastify({ logger, tls }: HttpServerOptions): FastifyInstance {
  const http = {
    headersTimeout: LIMITS.headSeconds.value * 1000,
    connectionsCheckingInterval: LATE_CHECK_MS,
    shouldUpgradeCallback: isSubscriptionUpgrade,
  }
  const handshakeTimeout = LIMITS.headSeconds.value * 1000
  return Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    rewriteUrl: ({ url = '/' }) => pathOfTarget(url),
    bodyLimit: LIMITS.requestBytes.value,
    requestTimeout: LIMITS.requestSeconds.value * 1000,
    ...(tls === undefined ? { http } : { https: { ...http, ...tlsOptionsOf(tls), handshakeTimeout } }),
    clientErrorHandler: refuseConnection,
    forceCloseConnections: 'idle',
    // `refuseLate` says it as everything else is said
    return503OnClosing: false,
  }) as unknown as FastifyInstance
}

type HooksOptions = CallersOptions &
  Pick<
    HttpServerOptions,
    'known' | 'whenCurrent' | 'budgets' | 'keptResponseBytes' | 'createContext' | 'isIsolated' | 'logger' | 'tracer'
  > & { fastifysWay: RequestListener; draining: Draining }

/** What is asked of a request before it is answered, by Fastify's hooks, and before them by the short way. */
function addHooks(fastify: FastifyInstance, options: HooksOptions): void {
  const { metrics, addresses, logger } = options
  const callers = createCallers(options)
  const begin = createBeginning(options)
  const responses = createKeptResponses({ ...options, maxBytes: options.keptResponseBytes })
  const traced = createTracedRequests(options.tracer)
  const note = traced.noting(createRequestLog(logger, metrics))
  knowCallers(fastify, callers, options)
  const bodies = { room: createBodyRoom(), addressOf: addresses.of, budget: options.budgets.bytes }
  guardBodies(fastify, {
    ...bodies,
    takesBody: ({ method, routeOptions }) => method === 'POST' && routeOptions.url === GRAPHQL_PATH,
    onOverload: () => metrics.error('OVERLOADED'),
  })
  fastify.addHook('preValidation', ({ body }, _reply, done) => {
    nameAsApolloDoes(body)
    done()
  })
  traced.trace(fastify)
  fastify.addHook('preHandler', async (request, reply) => {
    const { principal, token, raw } = request
    if (principal === null || token === null) return
    const refused = await begin(raw, { principal, token })
    if (refused === 'gone') return reply.code(CLIENT_GONE).send()
    if (refused !== undefined) return refuseStranger(request, reply, refused, options)
  })
  fastify.addHook('onSend', async ({ raw }) => boundUnread(raw))
  logRequests(fastify, note)
  keepResponses(fastify, responses, contextsFor(options))
  takeShortWay(fastify.server, options.fastifysWay, {
    ...options,
    callers,
    begin,
    responses,
    note,
    bodies: createWholeBodies(bodies),
  })
}

function handleErrors(fastify: FastifyInstance): void {
  fastify.setNotFoundHandler((_request, reply) => reply.code(404).send(errorBody('NOT_FOUND', 'no such path')))
  fastify.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500
    if (isBridgeError(error)) return sendError(reply, status, error)
    if (status < 500) return reply.code(status).send(errorBody('BAD_REQUEST', messageOf(error)))
    request.log.error({ err: error }, 'a request failed')
    return reply.code(500).send(errorBody('INTERNAL_SERVER_ERROR', 'internal error'))
  })
}

async function addRoutes(
  fastify: FastifyInstance,
  apollo: ApolloServer<RequestContext>,
  options: HttpServerOptions & { addresses: Addresses },
): Promise<void> {
  const { readiness } = options
  const contextOf = contextsFor(options)
  await fastify.register(fastifyApollo(apollo), {
    context: async (request: FastifyRequest) => contextOf(request),
  })
  fastify.get('/health/live', async () => ({ status: 'live' }))
  fastify.get('/health/ready', async (_request, reply) => {
    const { ready, detail } = readiness()
    // anybody may ask: how much there is, and where, is not for everybody
    return reply.code(ready ? 200 : 503).send(ready ? { status: 'ready' } : { status: 'not ready', detail })
  })
  addMetrics(fastify, options)
}
