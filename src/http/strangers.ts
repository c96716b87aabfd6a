/**
 * Connections that have not shown a token yet: few, in all and from one address, and never in the way of those that
 * have. Where one too many comes the oldest goes, not the new one: whoever has a token shows it within milliseconds,
 * so that a flood of those who have none drives itself out.
 */
export interface Strangers<Connection> {
  add(connection: Connection, address: string): void
  /** It has shown a token, or is gone. */
  remove(connection: Connection): void
}

export interface StrangersOptions<Connection> {
  most: number
  mostOfAddress: number
  /** Ends a connection. */
  dismiss: (connection: Connection) => void
}

export function createStrangers<Connection>({
  most,
  mostOfAddress,
  dismiss,
}: StrangersOptions<Connection>): Strangers<Connection> {
  // both in the order of arrival
  const addresses = new Map<Connection, string>()
  const ofAddress = new Map<string, Set<Connection>>()

  const remove = (connection: Connection): void => {
    const address = addresses.get(connection)
    if (address === undefined) return
    addresses.delete(connection)
    const neighbours = ofAddress.get(address)
    neighbours?.delete(connection)
    if (neighbours?.size === 0) ofAddress.delete(address)
  }
  const dismissOldest = (connections: Iterable<Connection>): void => {
    for (const oldest of connections) {
      remove(oldest)
      return dismiss(oldest)
    }
  }

  return {
    add(connection, address) {
      const neighbours = ofAddress.get(address) ?? new Set()
      if (neighbours.size >= mostOfAddress) dismissOldest(neighbours)
      if (addresses.size >= most) dismissOldest(addresses.keys())
      // anew: it may have been emptied, and with that forgotten
      const now = ofAddress.get(address) ?? new Set()
      ofAddress.set(address, now.add(connection))
      addresses.set(connection, address)
    },
    remove,
  }
}
