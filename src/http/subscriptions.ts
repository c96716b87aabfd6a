import { hash } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { CloseCode, type Context, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer, type SubscribePayload } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Authenticate, endOf, type SignedIn } from '../access/authenticator.ts'
import type { KnownTokens } from '../access/known-tokens.ts'
import type { Role } from '../access/roles.ts'
import { BridgeError, isBridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { actionOf } from '../graphql/audit.ts'
import { subscribeLive } from '../graphql/live.ts'
import type { Logger } from '../observability/logger.ts'
import type { Audit } from '../ports/audit.ts'
import type { Budgets } from '../ports/budgets.ts'
import type { Tracer } from '../ports/spans.ts'
import { tooManyForged } from './callers.ts'
import type { HostAndOrigin } from './host-and-origin.ts'
import { errorBody, refuseUpgrade } from './refusals.ts'
import { sessionOf } from './sign-in.ts'
import { createSocketBudget } from './socket-budget.ts'
import { countSocketBytes } from './socket-bytes.ts'
import { carryMessages, cutOff, POLICY_VIOLATION, sendAway, whenRead } from './socket-transport.ts'
import { createStrangers } from './strangers.ts'
import { createPreparing, createShowing, refusal, type SubscribedOptions } from './subscribed.ts'
import { createTokenUses } from './token-uses.ts'
import { createTracedSubscriptions } from './traced-subscriptions.ts'

export interface SubscriptionsOptions extends SubscribedOptions {
  logger: Logger
  authenticate: Authenticate
  /** Of the tokens of open sockets. */
  known: Pick<KnownTokens, 'watch'>
  /** Whom a request is counted for. */
  addressOf: (request: IncomingMessage) => string
  /** Of the name that a request was sent to, and of the page that sent it. */
  hostAndOrigin: Pick<HostAndOrigin, 'problemOf' | 'isOwnPage'>
  /** With a token, of all users together. */
  maxSockets: number
  /** One with a token was opened, or is gone. */
  onSocket: (change: 1 | -1) => void
  budgets: Pick<Budgets, 'bytes' | 'failedLogins'>
  audit: Pick<Audit, 'count'>
  tracer: Tracer
}

/** Subscriptions over WebSocket, by the protocol `graphql-transport-ws`, at the same path as everything else. */
export interface Subscriptions {
  /** Closes all sockets; who comes again may be let in. */
  sendAway(reason: string): void
  /** Tells everybody that the server goes. */
  close(): Promise<void>
}

export const GRAPHQL_PATH = '/graphql'
/** The longest that a timer of Node can wait; one that is set for longer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** The server's way to say goodbye (RFC 6455). */
const GOING_AWAY = 1001

/** Nobody else may follow anything. */
const FOLLOWERS: readonly Role[] = ['viewer', 'operator']

/** What is known of a socket. */
interface Connection {
  request: IncomingMessage
  socket: WebSocket
  signedIn?: SignedIn
}
/** What a client may send with its first message. */
interface ConnectionParams extends Record<string, unknown> {
  authorization?: unknown
  /** The header of that name, which a browser cannot send with a WebSocket. */
  traceparent?: unknown
}
type ConnectionContext = Context<ConnectionParams, Connection>

/**
 * Whether a request wants a WebSocket where there is one. Anything else that it may want to become is ignored (RFC
 * 9110, 7.8).
 */
export function isSubscriptionUpgrade({ headers, url = '' }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && url.split('?', 1)[0] === GRAPHQL_PATH
}

export function attachSubscriptions(
  server: Server,
  options: SubscriptionsOptions,
  maxDocumentTokens: number,
): Subscriptions {
  const { addressOf, logger, budgets } = options
  const strangers = createStrangers<WebSocket>({
    most: LIMITS.socketStrangers.value,
    mostOfAddress: LIMITS.socketStrangersOfAddress.value,
    dismiss: (socket) => sendAway(socket, 'too many connections without a token'),
  })
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: LIMITS.socketMessageBytes.value,
    handleProtocols: (offered) => (offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false),
  })
  const protocol = createProtocol(options, strangers, maxDocumentTokens)
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isSubscriptionUpgrade(request))
      return refuseUpgrade(socket, 400, errorBody('BAD_REQUEST', 'no WebSocket is answered here'))
    const misled = options.hostAndOrigin.problemOf(request)
    if (misled !== undefined) {
      options.audit.count({ action: 'socket', outcome: misled.code, from: addressOf(request) })
      return refuseUpgrade(socket, misled.status, errorBody(misled.code, misled.message))
    }
    sockets.handleUpgrade(request, socket, head, (connected) => {
      strangers.add(connected, addressOf(request))
      connected.once('close', () => strangers.remove(connected))
      const extra: Connection = { request, socket: connected }
      countSocketBytes(connected, socket, {
        budget: budgets.bytes,
        user: () => extra.signedIn?.principal.userId,
        onSpent: ({ message }) => sendAway(connected, message),
        onFrames: () => cutOff(connected, POLICY_VIOLATION, 'too many frames'),
      })
      carryMessages(protocol, connected, extra, (error) => logger.error({ err: error }, 'a WebSocket failed'))
    })
  })
  return {
    sendAway(reason) {
      for (const socket of sockets.clients) sendAway(socket, reason)
    },
    async close() {
      for (const socket of sockets.clients) cutOff(socket, GOING_AWAY, 'the server is shutting down')
      await new Promise((resolve) => sockets.close(resolve))
    },
  }
}

type Budget = ReturnType<typeof createSocketBudget<ConnectionContext>>
type SocketStrangers = ReturnType<typeof createStrangers<WebSocket>>

function createProtocol(options: SubscriptionsOptions, strangers: SocketStrangers, maxDocumentTokens: number) {
  const budget = createSocketBudget<ConnectionContext>(options.maxSockets)
  const prepare = createPreparing(options, maxDocumentTokens)
  const shown = createShowing(options)
  const used = createTokenUses(options.audit)
  const traced = createTracedSubscriptions(options.tracer)
  const count = ({ extra }: ConnectionContext, payload: SubscribePayload, errors: readonly GraphQLFormattedError[]) => {
    const action = actionOf('subscription', payload.operationName, hash('sha256', payload.query))
    const outcome = errors.length === 0 ? 'ok' : String(errors[0]?.extensions?.code)
    traced.end(payload, errors)
    options.audit.count({
      who: extra.signedIn?.principal.userId,
      action,
      outcome,
      from: options.addressOf(extra.request),
    })
  }
  return makeServer<ConnectionParams, Connection>({
    subscribe: subscribeLive,
    connectionInitWaitTimeout: LIMITS.socketInitSeconds.value * 1000,
    onConnect: (context) => admit(context, { ...options, used }, budget, strangers),
    onSubscribe(context, id, payload) {
      const { signedIn, socket } = context.extra
      // an error, though nobody gets it: without a result the library would answer by itself
      if (signedIn === undefined || hasExpired(signedIn)) return [expire(socket, signedIn)]
      const { connectionParams, extra } = context
      const trace = traced.begin(payload, connectionParams?.traceparent ?? extra.request.headers.traceparent)
      if (id.length > LIMITS.subscriptionId.value) {
        cutOff(socket, CloseCode.BadRequest, 'the id is too long')
        return [new GraphQLError('the id is too long')]
      }
      // before anything is read of the question
      if (!budget.maySubscribe(signedIn.principal.userId, context))
        return [refusal(new BridgeError('OVERLOADED', 'too many subscriptions: end one first'))]
      const late = options.budgets.bytes.refusal(signedIn.principal.userId, 0)
      if (late !== undefined) return [refusal(late)]
      return prepare(payload, signedIn.principal, options.addressOf(context.extra.request)).then((prepared) =>
        Array.isArray(prepared) ? prepared : { ...prepared, whenRead: () => whenRead(socket), trace },
      )
    },
    onError(context, _id, payload, errors) {
      const told = errors.map(shown)
      count(context, payload, told)
      return told
    },
    onOperation(context, _id, payload, _args, result) {
      count(context, payload, 'errors' in result ? (result.errors ?? []).map(shown) : [])
    },
    onNext({ extra: { signedIn, socket } }, _id, _payload, _args, { data = null, errors }) {
      // `expire` closes the socket, and a closing socket sends nothing more
      if (signedIn === undefined || hasExpired(signedIn)) expire(socket, signedIn)
      return errors === undefined ? undefined : { data, errors: errors.map(shown) }
    },
  })
}

/** Lets a socket in whose token is good, for as long as that is, and while there is room for its user. */
async function admit(
  context: ConnectionContext,
  options: SubscriptionsOptions & { used: ReturnType<typeof createTokenUses> },
  budget: Budget,
  strangers: SocketStrangers,
): Promise<boolean> {
  const { authenticate, known, hostAndOrigin, addressOf, budgets, audit, used } = options
  const { connectionParams, extra } = context
  const { request, socket } = extra
  const { headers } = request
  const session = sessionOf(headers, hostAndOrigin.isOwnPage(headers))
  let who: string | undefined
  const given = connectionParams?.authorization ?? headers.authorization ?? session
  try {
    const signedIn = await authenticate(typeof given === 'string' ? given : undefined)
    if (socket.readyState !== socket.OPEN) return false
    used(signedIn, addressOf(request))
    const { userId, roles } = signedIn.principal
    who = userId
    if (!roles.some((role) => FOLLOWERS.includes(role)))
      throw new BridgeError('FORBIDDEN', `subscriptions need the role ${FOLLOWERS.join(' or ')}`)
    const spent = budgets.bytes.refusal(userId, 0)
    if (spent !== undefined) throw spent
    if (!budget.enter(userId, context)) {
      sendAway(socket, 'too many connections')
      return false
    }
    options.onSocket(1)
    extra.signedIn = signedIn
    strangers.remove(socket)
    const end = setTimeout(() => expire(socket, signedIn), Math.min(signedIn.expiresAt - Date.now(), MAX_TIMER_MS))
    const stop = known.watch(signedIn.token, () => cutOff(socket, CloseCode.Unauthorized, 'the token was revoked'))
    socket.once('close', () => {
      clearTimeout(end)
      stop()
      budget.leave(userId, context)
      options.onSocket(-1)
    })
    return true
  } catch (error) {
    if (!isBridgeError(error)) throw error
    audit.count({ who, action: 'socket', outcome: error.code, from: addressOf(request) })
    const tooMany = tooManyForged(error, addressOf(request), budgets)
    // which no client tries again by itself, as it would with the same token
    if (tooMany !== undefined) cutOff(socket, CloseCode.Unauthorized, tooMany.message)
    else turnAway(socket, error)
    return false
  }
}

/** The code says whether another token helps, or to come back later. */
function turnAway(socket: WebSocket, { code, message }: BridgeError): void {
  if (code === 'UNAUTHENTICATED') return cutOff(socket, CloseCode.Unauthorized, message)
  if (code === 'FORBIDDEN') return cutOff(socket, CloseCode.Forbidden, message)
  sendAway(socket, message)
}

const hasExpired = ({ expiresAt }: SignedIn): boolean => expiresAt <= Date.now()

function expire(socket: WebSocket, signedIn: SignedIn | undefined): GraphQLError {
  const reason = signedIn === undefined ? 'no token was taken' : endOf(signedIn)
  cutOff(socket, CloseCode.Unauthorized, reason)
  return new GraphQLError(reason)
}
