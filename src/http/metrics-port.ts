import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Authenticate } from '../access/authenticator.ts'
import { type BridgeError, isBridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { isolatedError } from '../graphql/isolation/enforce.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Audit } from '../ports/audit.ts'
import { METRICS_PATH } from './callers.ts'
import { type Certificate, tlsOptionsOf } from './certificate.ts'
import type { HostAndOrigin } from './host-and-origin.ts'
import { listenError } from './listen-error.ts'
import { METRICS_REFUSAL, readsMetrics } from './metrics-route.ts'
import { errorBody } from './refusals.ts'
import { pathOfTarget } from './request-target.ts'
import { securityHeaders } from './response-headers.ts'

export interface MetricsPortOptions {
  metrics: Pick<Metrics, 'expose'>
  /** Absent: HTTP in the clear. */
  tls: Certificate | undefined
  hostAndOrigin: Pick<HostAndOrigin, 'problemOf'>
  /** Who may read, by a token; absent: whoever reaches the port. */
  authenticate: Authenticate | undefined
  audit: Pick<Audit, 'count'>
  isIsolated: () => boolean
}

/** A port that tells the metrics, and can do nothing else. */
export interface MetricsPort {
  /** Listens, and returns the address: `http://127.0.0.1:9464`. */
  listen(host: string, port: number): Promise<string>
  renew(certificate: Certificate): void
  close(): Promise<void>
}

/** Of Prometheus and a few others. */
const MAX_CONNECTIONS = 32

interface Told {
  status: number
  contentType: string
  body: string
}

const refused = (status: number, code: string, message: string): Told => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body: JSON.stringify(errorBody(code, message)),
})

export function createMetricsPort(options: MetricsPortOptions): MetricsPort {
  const { tls } = options
  const seconds = {
    headersTimeout: LIMITS.headSeconds.value * 1000,
    requestTimeout: LIMITS.requestSeconds.value * 1000,
  }
  const server = tls === undefined ? createServer(seconds) : createTlsServer({ ...seconds, ...tlsOptionsOf(tls) })
  server.maxConnections = MAX_CONNECTIONS
  const headers = securityHeaders(tls !== undefined)
  const tell = createTelling(options)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    tell(request).then(
      ({ status, contentType, body }) => {
        // nothing is read of a body
        const ending = request.method === 'GET' ? {} : { connection: 'close' }
        response.writeHead(status, { ...headers, ...ending, 'content-type': contentType })
        response.end(body)
      },
      () => response.destroy(),
    )
  })
  return {
    listen(host, port) {
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      server.once('error', (error) => reject(listenError(error, host, port, 'METRICS_PORT')))
      server.listen(port, host, () => {
        const { address, family, port: taken } = server.address() as AddressInfo
        resolve(`${tls === undefined ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : address}:${taken}`)
      })
      return promise
    },
    renew(certificate) {
      if (tls !== undefined) (server as TlsServer).setSecureContext(tlsOptionsOf(certificate))
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function createTelling(options: MetricsPortOptions): (request: IncomingMessage) => Promise<Told> {
  let exposing: ReturnType<Metrics['expose']> | undefined
  /** Several who ask at once are told the same. */
  const expose = (): ReturnType<Metrics['expose']> =>
    (exposing ??= options.metrics.expose().finally(() => {
      exposing = undefined
    }))
  return async (request) => {
    const misled = options.hostAndOrigin.problemOf(request)
    if (misled !== undefined) return refused(misled.status, misled.code, misled.message)
    if (pathOfTarget(request.url ?? '/').split('?', 1)[0] !== METRICS_PATH)
      return refused(404, 'NOT_FOUND', `this port tells ${METRICS_PATH} alone`)
    if (request.method !== 'GET') return refused(405, 'BAD_REQUEST', `${METRICS_PATH} is read by GET`)
    const error = await refusalOf(request, options)
    if (error !== undefined) return error
    if (options.isIsolated()) return refused(503, isolatedError().code, isolatedError().message)
    return { status: 200, ...(await expose()) }
  }
}

/** Why whoever asks may not read; `undefined` where they may. */
async function refusalOf(request: IncomingMessage, options: MetricsPortOptions): Promise<Told | undefined> {
  const { authenticate, audit } = options
  if (authenticate === undefined) return undefined
  const from = request.socket.remoteAddress ?? ''
  try {
    const { principal } = await authenticate(request.headers.authorization)
    if (readsMetrics(principal)) return undefined
    audit.count({ who: principal.userId, action: METRICS_PATH, outcome: 'FORBIDDEN', from })
    return refused(403, 'FORBIDDEN', METRICS_REFUSAL)
  } catch (error) {
    if (!isBridgeError(error)) throw error
    audit.count({ action: METRICS_PATH, outcome: (error as BridgeError).code, from })
    return refused(error.retryable ? 503 : 401, error.code, error.message)
  }
}
