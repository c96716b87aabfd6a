import { isIPv6 } from 'node:net'

const GROUPS_OF_A_NETWORK = 4

/**
 * Whom connections from an address are counted for: an IPv4 address; of IPv6 the network of 64 bits, all of which one
 * subscriber has. Behind a proxy everybody is the proxy.
 */
export function addressOf({ remoteAddress }: { remoteAddress?: string | undefined }): string {
  if (remoteAddress === undefined) return 'unknown'
  if (!isIPv6(remoteAddress)) return remoteAddress
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteAddress)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = remoteAddress.replace(/%.*$/, '').split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
  return `${[...first, ...(tail === undefined ? [] : zeros), ...last].slice(0, GROUPS_OF_A_NETWORK).join(':')}::/64`
}
