import { randomUUID } from 'node:crypto'
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server'
import { ApolloServerErrorCode } from '@apollo/server/errors'
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled'
import fastifyApollo from '@as-integrations/fastify'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyRequest, LogController } from 'fastify'
import { GraphQLError, type GraphQLSchema } from 'graphql'
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws'
import type { Principal } from '../access/roles.ts'
import type { Authenticate } from '../access/tokens.ts'
import { isBridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { RequestContext } from '../graphql/context.ts'
import { limitCost } from '../graphql/cost-plugin.ts'
import { createDocumentStore } from '../graphql/document-store.ts'
import { formatError } from '../graphql/errors.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { attachSubscriptions } from './subscriptions.ts'

export interface HttpServerOptions {
  schema: GraphQLSchema
  introspection: boolean
  logger: Logger
  metrics: Metrics
  authenticate: Authenticate
  createContext: (principal: Principal, requestId: string) => RequestContext
  /** Whether questions can be answered now, and why not. */
  readiness: () => { ready: boolean; detail: string }
}

export interface HttpServer {
  /** Listens and returns the address, `http://127.0.0.1:4000`. */
  listen(host: string, port: number): Promise<string>
  /** Ends: nothing new is taken, what is in flight gets up to `deadlineMs`. */
  close(deadlineMs: number): Promise<void>
}

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | null
  }
}

const MAX_BODY_BYTES = 1 << 20
const REQUEST_TIMEOUT_MS = 30_000
/**
 * Bytes of request bodies that are worked on at once: what a fast answer can be given to. More is refused before it
 * is read, so that what was taken is answered in time (promise 2.1).
 */
const MAX_IN_FLIGHT_BYTES = 512 << 10
const RETRY_AFTER_SECONDS = 1
/** Enough for any question that the dashboard asks; a longer document is refused before it is parsed to its end. */
const MAX_DOCUMENT_TOKENS = LIMITS.documentTokens.value
const OPEN_PATHS: ReadonlySet<string> = new Set(['/health/live', '/health/ready'])

export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { schema, logger, metrics } = options
  const fastify = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
  }) as unknown as FastifyInstance
  const apollo = new ApolloServer<RequestContext>({
    schema,
    introspection: options.introspection,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    hideSchemaDetailsFromClientErrors: !options.introspection,
    includeStacktraceInErrorResponses: false,
    persistedQueries: false,
    stopOnTerminationSignals: false,
    maxRecursiveSelections: true,
    parseOptions: { maxTokens: MAX_DOCUMENT_TOKENS },
    plugins: [ApolloServerPluginLandingPageDisabled(), observe(metrics), limitCost(metrics.error)],
    documentStore: createDocumentStore(),
    formatError: (formatted, error) =>
      formatError(formatted, error, (internal) => logger.error({ err: internal }, 'a resolver failed')),
  })
  await apollo.start()

  fastify.decorateRequest('principal', null)
  fastify.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id)
    if (OPEN_PATHS.has(pathOf(request))) return
    try {
      request.principal = await options.authenticate(request.headers.authorization)
    } catch (error) {
      if (!isBridgeError(error)) throw error
      metrics.error(error.code)
      return reply.code(401).header('www-authenticate', 'Bearer').send(errorBody(error.code, error.message))
    }
  })
  let inFlightBytes = 0
  fastify.addHook('onRequest', async (request, reply) => {
    const bytes = Number(request.headers['content-length'] ?? 0)
    // one request is always taken
    if (inFlightBytes > 0 && inFlightBytes + bytes > MAX_IN_FLIGHT_BYTES && bytes > 0) {
      metrics.error('OVERLOADED')
      return reply
        .code(503)
        .header('retry-after', RETRY_AFTER_SECONDS)
        .send(errorBody('OVERLOADED', 'too much is being worked on: try again', true))
    }
    inFlightBytes += bytes
    reply.raw.once('close', () => (inFlightBytes -= bytes))
  })
  fastify.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    metrics.request(route, request.method, reply.statusCode, reply.elapsedTime / 1000)
    request.log.info(
      { method: request.method, path: pathOf(request), status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'request',
    )
  })

  // before the routes: each takes the handler that is set when it is registered
  fastify.setNotFoundHandler((_request, reply) => reply.code(404).send(errorBody('NOT_FOUND', 'no such path')))
  fastify.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500
    if (status < 500) return reply.code(status).send(errorBody('BAD_REQUEST', error.message))
    request.log.error({ err: error }, 'a request failed')
    return reply.code(500).send(errorBody('INTERNAL_SERVER_ERROR', 'internal error'))
  })

  await fastify.register(fastifyApollo(apollo), {
    context: async (request: FastifyRequest) => options.createContext(principalOf(request), request.id),
  })
  fastify.get('/health/live', async () => ({ status: 'live' }))
  fastify.get('/health/ready', async (_request, reply) => {
    const { ready, detail } = options.readiness()
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', detail })
  })
  fastify.get('/metrics', async (request, reply) => {
    if (!principalOf(request).roles.includes('operator'))
      return reply.code(403).send(errorBody('FORBIDDEN', '/metrics needs the role operator'))
    const { contentType, body } = await metrics.expose()
    return reply.type(contentType).send(body)
  })

  const subscriptions = attachSubscriptions(fastify.server, options, MAX_DOCUMENT_TOKENS)

  return {
    listen: (host, port) => fastify.listen({ host, port }),
    async close(deadlineMs) {
      const deadline = setTimeout(() => fastify.server.closeAllConnections(), deadlineMs)
      await subscriptions.close()
      await fastify.close()
      clearTimeout(deadline)
      await apollo.stop()
    },
  }
}

function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new Error('the request was not authenticated')
  return request.principal
}

/** Without what stands behind `?`, which can hold a question. */
function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] as string
}

/** The caller's id, so that a line can be found on both sides, if it is harmless; else a new one. */
function requestIdOf(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID()
}

/** Errors before GraphQL have the shape of GraphQL's, so that a client reads one kind. */
function errorBody(code: string, message: string, retryable = false): unknown {
  return { errors: [{ message, extensions: { code, retryable } }] }
}

function observe(metrics: Metrics): ApolloServerPlugin<RequestContext> {
  return {
    async requestDidStart() {
      const started = performance.now()
      let type = 'unknown'
      let outcome: 'ok' | 'error' = 'ok'
      return {
        async didResolveOperation({ operation }) {
          type = operation?.operation ?? type
          if (type === 'subscription')
            throw new GraphQLError(`subscriptions are answered over WebSocket (${GRAPHQL_TRANSPORT_WS_PROTOCOL})`, {
              extensions: { code: ApolloServerErrorCode.BAD_REQUEST },
            })
        },
        async willSendResponse({ response }) {
          const { body } = response
          const errors = body.kind === 'single' ? (body.singleResult.errors ?? []) : []
          if (errors.length > 0) outcome = 'error'
          for (const error of errors) metrics.error(String(error.extensions?.code))
          metrics.operation(type, outcome, (performance.now() - started) / 1000)
        },
      }
    },
  }
}
