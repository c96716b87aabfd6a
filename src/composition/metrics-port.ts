import type { Authenticate } from '../access/authenticator.ts'
import type { Config } from '../config.ts'
import { isLoopback } from '../domain/loopback.ts'
import type { Certificate } from '../http/certificate.ts'
import { createHostAndOrigin } from '../http/host-and-origin.ts'
import { createMetricsPort, type MetricsPort, type MetricsPortOptions } from '../http/metrics-port.ts'
import type { Logger } from '../observability/logger.ts'
import { nameOfHost } from './exposure.ts'

export interface OpenedMetricsPort {
  renew(certificate: Certificate): void
  close(): Promise<void>
}

/**
 * Opens the port of `METRICS_PORT` beside the other one, at the same address. On this machine, and in a network that the
 * operator has named as private, it asks for no token: who reaches it may read. Elsewhere it wants that of a scraper.
 */
export async function openMetricsPort(
  config: Config,
  certificate: Certificate | undefined,
  parts: Pick<MetricsPortOptions, 'metrics' | 'audit' | 'isIsolated'> & { authenticate: Authenticate },
  logger: Logger,
): Promise<OpenedMetricsPort | undefined> {
  const { host, metricsPort } = config
  if (metricsPort === undefined) return undefined
  const isPrivate = isLoopback(host) || config.privateHosts.includes(nameOfHost(host))
  const allowedHosts = [...config.allowedHosts, host.toLowerCase()]
  const hostAndOrigin = createHostAndOrigin({
    allowedHosts,
    corsOrigins: [],
    loopbackOrigins: false,
    isTls: certificate !== undefined,
  })
  const port: MetricsPort = createMetricsPort({
    ...parts,
    hostAndOrigin,
    tls: certificate,
    authenticate: isPrivate ? undefined : parts.authenticate,
  })
  const url = await port.listen(host, metricsPort)
  logger.info({ url, token: isPrivate ? 'none' : 'of the role scraper' }, 'metrics are told at')
  return port
}
