import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws'
import { useServer } from 'graphql-ws/use/ws'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Principal } from '../access/roles.ts'
import type { Authenticate } from '../access/tokens.ts'
import { isBridgeError } from '../domain/errors.ts'
import type { RequestContext } from '../graphql/context.ts'
import { checkCost, refusing } from '../graphql/cost-plugin.ts'
import { checkShape } from '../graphql/cost-shape.ts'
import { formatError } from '../graphql/errors.ts'
import type { Logger } from '../observability/logger.ts'

export interface SubscriptionsOptions {
  schema: GraphQLSchema
  introspection: boolean
  logger: Logger
  authenticate: Authenticate
  createContext: (principal: Principal, requestId: string) => RequestContext
}

/** Subscriptions over WebSocket, by the protocol `graphql-transport-ws`, at the same path as everything else. */
export interface Subscriptions {
  /** Tells everybody that the server goes. */
  close(): Promise<void>
}

const PATH = '/graphql'
const MAX_MESSAGE_BYTES = 64 << 10
const MAX_CONNECTIONS = 500
const INIT_TIMEOUT_MS = 3000
/** The token of a connection is looked at again this often: it may have expired. */
const RECHECK_MS = 15_000

export function attachSubscriptions(
  server: Server,
  options: SubscriptionsOptions,
  maxDocumentTokens: number,
): Subscriptions {
  const { schema, introspection, authenticate, createContext, logger } = options
  const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule]
  const principals = new WeakMap<object, Principal>()
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => (offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false),
  })

  const shown = (error: GraphQLFormattedError | GraphQLError): GraphQLFormattedError => {
    const formatted = error instanceof GraphQLError ? error.toJSON() : error
    return formatError(formatted, error, (internal) => logger.error({ err: internal }, 'a subscription failed'))
  }

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const path = (request.url ?? '').split('?', 1)[0]
    if (path !== PATH) return refuse(socket, '404 Not Found')
    if (sockets.clients.size >= MAX_CONNECTIONS) return refuse(socket, '503 Service Unavailable')
    sockets.handleUpgrade(request, socket, head, (connected) => {
      sockets.emit('connection', connected, request)
    })
  }
  server.on('upgrade', upgrade)

  const disposable = useServer<{ authorization?: unknown }, { request: IncomingMessage }>(
    {
      schema,
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      async onConnect({ connectionParams, extra }) {
        const given = connectionParams?.authorization ?? extra.request.headers.authorization
        try {
          const token = typeof given === 'string' ? given : undefined
          principals.set(extra, await authenticate(token))
          const { socket } = extra as unknown as { socket: WebSocket }
          const recheck = setInterval(() => {
            authenticate(token).catch(() => socket.close(CloseCode.Forbidden, 'the token has expired'))
          }, RECHECK_MS)
          socket.once('close', () => clearInterval(recheck))
        } catch (error) {
          if (isBridgeError(error)) return false
          throw error
        }
        return true
      },
      onSubscribe({ extra }, _id, { query, operationName, variables }) {
        const principal = principals.get(extra)
        if (principal === undefined) return [new GraphQLError('not signed in')]
        try {
          const document = parse(query, { maxTokens: maxDocumentTokens })
          refusing(() => checkShape(document))
          const errors = validate(schema, document, rules)
          if (errors.length > 0) return errors
          if (getOperationAST(document, operationName)?.operation !== 'subscription')
            return [new GraphQLError('only subscriptions are answered here: ask everything else by HTTP')]
          const contextValue = createContext(principal, randomUUID())
          refusing(() => checkCost({ schema, document, operationName, variables, context: contextValue }))
          return { schema, document, operationName, variableValues: variables, contextValue }
        } catch (error) {
          if (error instanceof GraphQLError) return [error]
          throw error
        }
      },
      onError: (_context, _id, _payload, errors) => errors.map(badRequest),
      onNext(_context, _id, _payload, _args, { data = null, errors }) {
        return errors === undefined ? undefined : { data, errors: errors.map(shown) }
      },
    },
    sockets,
  )

  return {
    async close() {
      server.off('upgrade', upgrade)
      await disposable.dispose()
      sockets.close()
    },
  }
}

/** What is wrong with the question itself. */
const badRequest = (error: GraphQLFormattedError | GraphQLError): GraphQLFormattedError => ({
  message: error.message,
  ...(error.locations === undefined ? {} : { locations: [...error.locations] }),
  extensions: { code: error.extensions?.code ?? 'BAD_USER_INPUT', retryable: false },
})

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}
