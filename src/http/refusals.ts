import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { clip } from '../domain/clip.ts'
import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { securityHeaders } from './response-headers.ts'

const RETRY_AFTER_SECONDS = 1
const MAX_MESSAGE = LIMITS.errorMessage.value

/** Errors before GraphQL have the shape of GraphQL's, so that a client reads one kind. */
export function errorBody(code: string, message: string, retryable = false, retryAfterSeconds?: number): unknown {
  const extensions = { code, retryable, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }
  return { errors: [{ message: clip(message, MAX_MESSAGE), extensions }] }
}

export function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

/** Answers instead of a route. A body is not read: the connection is closed, so that nobody streams for nothing. */
export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  code: string,
  message: string,
): FastifyReply {
  if (hasBody(request)) void reply.header('connection', 'close')
  return reply.code(status).send(errorBody(code, message))
}

/** What tells a client to come back; the status is read by Fastify where it fails while a body is being received. */
export function overloaded(): BridgeError & { statusCode: number } {
  return Object.assign(new BridgeError('OVERLOADED', 'too much is being worked on: try again'), { statusCode: 503 })
}

/** Sends an error of ours as it is, with when to come back where that helps. */
export function sendError(
  reply: FastifyReply,
  status: number,
  { code, message, retryable, retryAfterSeconds }: BridgeError,
): FastifyReply {
  if (retryable) void reply.header('retry-after', retryAfterSeconds ?? RETRY_AFTER_SECONDS)
  return reply.code(status).send(errorBody(code, message, retryable, retryAfterSeconds))
}

/** What is told of a request that Fastify refuses. */
export function messageOf({ code, message }: FastifyError): string {
  const { value, shown } = LIMITS.requestBytes
  return code === 'FST_ERR_CTP_BODY_TOO_LARGE'
    ? `the body is too large: at most ${value} bytes (${shown}) are taken`
    : message
}

const CONNECTION_ERRORS: Record<string, [number, string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not arrive in time'],
  HPE_HEADER_OVERFLOW: [431, 'the head of the request is too large'],
}

/** What is no request, or does not arrive in time, is told so; then the connection is closed. */
export function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const [status, message] = CONNECTION_ERRORS[error.code ?? ''] ?? [400, 'this is no HTTP request']
  if (socket.writable) socket.write(rawAnswer(status, errorBody('BAD_REQUEST', message)))
  socket.destroy()
}

/** Answers a request for a WebSocket that there will be none. */
export function refuseUpgrade(socket: Duplex, status: number, body: unknown): void {
  socket.on('error', () => undefined)
  socket.end(rawAnswer(status, body))
}

function rawAnswer(status: number, body: unknown): string {
  const text = JSON.stringify(body)
  const headers = {
    connection: 'close',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...securityHeaders(false),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', text].join('\r\n')
}
