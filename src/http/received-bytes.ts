import { LIMITS } from '../domain/limits.ts'

const SMALL = LIMITS.smallRequestBytes.value
const MOST_OF_USER = LIMITS.userReceivedBytes.value
const MOST_OF_ADDRESS = LIMITS.addressReceivedBytes.value
const MOST = LIMITS.receivedBytes.value

/** The bytes of one request that are in memory. */
export interface ReceivedBody {
  readonly bytes: number
  /** Adds what has arrived; `false` where there is no room for it. */
  add(bytes: number): boolean
  /** It is not in memory any more. May be called again. */
  release(): void
}

export interface ReceivedBytes {
  /** A request of `user` from `address` is being read. */
  open(user: string, address: string): ReceivedBody
}

/**
 * Bounds the bodies that are in memory, by what has arrived of them and not by what their heads announce: of a user,
 * of an address, and of all. The first 16 KiB of a request count for its user alone, so that small requests are taken
 * whatever others do.
 */
export function createReceivedBytes(): ReceivedBytes {
  const held = { users: new Map<string, number>(), addresses: new Map<string, number>() }
  let total = 0
  const change = (counts: Map<string, number>, key: string, bytes: number): void => {
    const now = (counts.get(key) ?? 0) + bytes
    if (now === 0) counts.delete(key)
    else counts.set(key, now)
  }
  return {
    open(user, address) {
      let own = 0
      const count = (bytes: number): void => {
        own += bytes
        total += bytes
        change(held.users, user, bytes)
        change(held.addresses, address, bytes)
      }
      return {
        get bytes() {
          return own
        },
        add(bytes) {
          if ((held.users.get(user) ?? 0) + bytes > MOST_OF_USER) return false
          const isSmall = own + bytes <= SMALL
          if (!isSmall && (held.addresses.get(address) ?? 0) + bytes > MOST_OF_ADDRESS) return false
          if (!isSmall && total + bytes > MOST) return false
          count(bytes)
          return true
        },
        release: () => count(-own),
      }
    },
  }
}
