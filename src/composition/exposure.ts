import { isIPv6 } from 'node:net'
import type { Config } from '../config.ts'
import { isLoopback } from '../domain/loopback.ts'

/**
 * Throws, with every reason and what helps, where tokens, passwords or answers would be sent in the clear to or from
 * other machines, or where other machines could come in by a secret that nobody has chosen.
 */
export function refuseExposure(config: Config): void {
  const reasons = [...exposures(config), ...connectionsInTheClear(config)]
  if (reasons.length > 0) throw new Error(reasons.join('; '))
}

function exposures({ host, tls, trustedProxies, privateHosts, auth }: Config): string[] {
  if (isLoopback(host)) return []
  const isMade = auth.jwtSecrets.length === 0 && auth.jwksUrls.length === 0
  const isClear = tls === undefined && trustedProxies.length === 0 && !privateHosts.includes(nameOfHost(host))
  return [
    ...(isClear
      ? [
          `HOST ${host} can be reached from other machines, and tokens would be sent in the clear: set TLS_CERT_FILE and TLS_KEY_FILE; or TRUSTED_PROXY, where a proxy in front ends HTTPS; or HOST to 127.0.0.1; or PRIVATE_HOSTS to ${host}, where only a private network leads here, as to a container whose port is published on 127.0.0.1`,
        ]
      : []),
    ...(isMade
      ? [
          `HOST ${host} can be reached from other machines, and nobody has chosen the secret of tokens: set AUTH_JWT_SECRET (openssl rand -hex 32) or AUTH_JWKS_URL`,
        ]
      : []),
  ]
}

type Server = [setting: string, url: string | undefined, encrypted: string]

function connectionsInTheClear({ clickhouse, redisUrl, unleash, risk, tracing, privateHosts }: Config): string[] {
  const servers: Server[] = [
    ['CLICKHOUSE_URL', clickhouse.url, 'https://'],
    ['REDIS_URL', redisUrl, 'rediss://'],
    ['UNLEASH_URL', unleash.url, 'https://'],
    ...risk.targets.map((target): Server => [target.setting, target.url, 'https://']),
    ['OTEL_EXPORTER_OTLP_ENDPOINT', tracing?.url, 'https://'],
  ]
  return servers.flatMap(([setting, url, encrypted]) => {
    if (url === undefined || url.toLowerCase().startsWith(encrypted)) return []
    // ioredis takes this machine where a URL names none
    const hostname = URL.parse(url)?.hostname || 'localhost'
    if (isLoopback(hostname) || privateHosts.includes(nameOfHost(hostname))) return []
    return [
      `${setting} leads to ${hostname} in the clear, secrets included: let it begin with ${encrypted}, or name ${hostname} in PRIVATE_HOSTS, where only a private network leads there`,
    ]
  })
}

/** As `PRIVATE_HOSTS` has it. */
export const nameOfHost = (host: string): string =>
  URL.parse(`http://${isIPv6(host) ? `[${host}]` : host}`)?.hostname ?? host
