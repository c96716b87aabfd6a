import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GraphQLEnumType, GraphQLID, GraphQLInt, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { createAuthenticator } from '../../src/access/authenticator.ts'
import { createKnownTokens } from '../../src/access/known-tokens.ts'
import { signToken } from '../../src/access/tokens.ts'
import { LIMITS } from '../../src/domain/limits.ts'
import type { RequestContext } from '../../src/graphql/context.ts'
import { createKnownOperations } from '../../src/graphql/known-operations.ts'
import { attachSubscriptions } from '../../src/http/subscriptions.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { NO_TRACER } from '../../src/ports/spans.ts'
import { NO_BOUNDS } from './no-bounds.ts'

const secret = Buffer.from('x'.repeat(32))

/** The real way of subscriptions over a schema whose topics a test fills: `subscription { told }`, `subscription { waits }`. */
export interface SmallSubscriptions {
  url: string
  server: Server
  /** Gives a text to everybody who follows `told`. */
  tell(text: string): void
  /** How many follow `told` now. */
  following(): number
  token(user?: string, ttlSeconds?: number): Promise<string>
}

export async function startSmallSubscriptions(introspection = false): Promise<SmallSubscriptions> {
  const followers = new Set<(text: string | undefined) => void>()
  const follow = (): AsyncIterableIterator<{ told: string }> => {
    const waiting: string[] = []
    let wake = Promise.withResolvers<void>()
    let ended = false
    const take = (text: string | undefined): void => {
      if (text === undefined) ended = true
      else waiting.push(text)
      wake.resolve()
    }
    followers.add(take)
    return {
      async next() {
        for (;;) {
          if (ended) return { done: true, value: undefined }
          const told = waiting.shift()
          if (told !== undefined) return { done: false, value: { told } }
          wake = Promise.withResolvers()
          await wake.promise
        }
      },
      async return() {
        followers.delete(take)
        take(undefined)
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }
  const size = new GraphQLEnumType({ name: 'Size', values: { LARGE: {}, SMALL: {} } })
  const schema = new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: { nothing: { type: GraphQLInt } } }),
    subscription: new GraphQLObjectType({
      name: 'Subscription',
      fields: {
        told: { type: GraphQLString, args: { size: { type: size }, id: { type: GraphQLID } }, subscribe: follow },
        fails: {
          type: GraphQLString,
          async *subscribe() {
            yield {}
            throw new Error('a secret of the inside')
          },
        },
      },
    }),
  })
  const server = createServer()
  const known = createKnownTokens()
  const subscriptions = attachSubscriptions(
    server,
    {
      schema,
      introspection,
      logger: createLogger('silent'),
      authenticate: createAuthenticator({ secrets: [secret], known }),
      known,
      addressOf: () => 'here',
      hostAndOrigin: { problemOf: () => undefined, isOwnPage: () => false },
      onSocket: () => undefined,
      maxSockets: LIMITS.sockets.value,
      budgets: NO_BOUNDS,
      whenCurrent: async () => undefined,
      answered: { known: createKnownOperations([]), onlyKnown: false },
      createContext: (principal) => ({ principal, budgets: NO_BOUNDS }) as unknown as RequestContext,
      audit: { count() {} },
      tracer: NO_TRACER,
    },
    5000,
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    await subscriptions.close()
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    tell: (text) => {
      for (const take of followers) take(text)
    },
    following: () => followers.size,
    token: (userId = 'ann', ttlSeconds = 60) => signToken(secret, { userId, roles: ['operator'] }, ttlSeconds),
  }
}

export interface TestSocket {
  socket: WebSocket
  /** Messages so far. */
  messages: Record<string, unknown>[]
  send(message: Record<string, unknown>): void
  closed: Promise<{ code: number; reason: string }>
}

/** A WebSocket of the protocol; signs in where there is a token. */
export async function openSocket(
  url: string,
  token?: string,
  { params = {}, headers = {} }: { params?: object; headers?: Record<string, string> } = {},
): Promise<TestSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers })
  const messages: Record<string, unknown>[] = []
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
  })
  socket.on('error', () => undefined)
  socket.on('message', (data) => messages.push(JSON.parse(String(data))))
  onTestFinished(() => socket.terminate())
  await Promise.race([once(socket, 'open'), closed])
  const send = (message: Record<string, unknown>): void => socket.send(JSON.stringify(message))
  if (token !== undefined) {
    const acknowledged = once(socket, 'message')
    send({ type: 'connection_init', payload: { authorization: `Bearer ${token}`, ...params } })
    await Promise.race([acknowledged, closed])
  }
  return { socket, messages, send, closed }
}

export const subscribe = (id: string, query = 'subscription { told }', variables?: Record<string, unknown>) => ({
  id,
  type: 'subscribe',
  payload: { query, variables },
})
