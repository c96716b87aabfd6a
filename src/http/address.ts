import type { IncomingMessage } from 'node:http'
import { isIP, isIPv6 } from 'node:net'
import proxyAddr from '@fastify/proxy-addr'

const GROUPS_OF_A_NETWORK = 4

/** Whom requests and connections are counted for where limits are by address. */
export interface Addresses {
  /** Behind trusted proxies the client that they saw, from `X-Forwarded-For`; else, whatever it says, the peer. */
  of(request: IncomingMessage): string
  /** Before there is a request: `undefined` for a trusted proxy, whose connections are everybody's. */
  ofConnection(socket: { remoteAddress?: string | undefined }): string | undefined
}

/** `trustedProxies`: addresses and networks, such as `10.0.0.0/8`. */
export function createAddresses(trustedProxies: readonly string[]): Addresses {
  const isTrusted = proxyAddr.compile([...trustedProxies])
  return {
    of(request) {
      if (request.headers['x-forwarded-for'] === undefined) return networkOf(request.socket.remoteAddress)
      const client = withoutPort(proxyAddr(request, isTrusted))
      return networkOf(isIP(client) === 0 ? request.socket.remoteAddress : client)
    },
    ofConnection: ({ remoteAddress }) =>
      remoteAddress !== undefined && isTrusted(remoteAddress, 0) ? undefined : networkOf(remoteAddress),
  }
}

/** Some proxies name the client's port, too: a limit that counts by it counts nothing. */
function withoutPort(text: string | undefined): string {
  return /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text ?? '')?.[1] ?? /^\[(.+)\](:\d+)?$/.exec(text ?? '')?.[1] ?? text ?? ''
}

/** An IPv4 address; of IPv6 the network of 64 bits, all of which one subscriber has. */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  if (!address.includes(':') || !isIPv6(address)) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
  return `${[...first, ...(tail === undefined ? [] : zeros), ...last].slice(0, GROUPS_OF_A_NETWORK).join(':')}::/64`
}
