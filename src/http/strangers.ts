/**
 * Connections that have not shown a token yet: few, in all and from one address, and never in the way of those that
 * have. Where one too many comes the oldest goes, not the new one: whoever has a token shows it within milliseconds,
 * so that a flood of those who have none drives itself out.
 */
export interface Strangers<Connection> {
  /** `address`: whom it is counted for; `undefined` for nobody, only in all. */
  add(connection: Connection, address: string | undefined): void
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
  const addresses = new Map<Connection, string | undefined>()
  const ofAddress = new Map<string, Set<Connection>>()

  const remove = (connection: Connection): void => {
    const address = addresses.get(connection)
    addresses.delete(connection)
    if (address === undefined) return
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
      const neighbours = address === undefined ? undefined : ofAddress.get(address)
      if (neighbours !== undefined && neighbours.size >= mostOfAddress) dismissOldest(neighbours)
      if (addresses.size >= most) dismissOldest(addresses.keys())
      addresses.set(connection, address)
      if (address === undefined) return
      // looked up again: the last removal may have deleted the address's set
      const now = ofAddress.get(address) ?? new Set()
      ofAddress.set(address, now.add(connection))
    },
    remove,
  }
}
