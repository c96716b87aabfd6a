import { LIMITS } from '../domain/limits.ts'

/** The subscriptions of one WebSocket, by their ids. */
export interface SocketSubscriptions {
  readonly subscriptions: Readonly<Record<string, unknown>>
}

/** What WebSockets with a token may hold, in all and a user: sockets and subscriptions. */
export interface SocketBudget<Socket extends SocketSubscriptions> {
  /** Counts a socket for a user until `leave`; `false` where there is no room for it. */
  enter(user: string, socket: Socket): boolean
  leave(user: string, socket: Socket): void
  /** Whether the subscriptions of a socket, with the one that is being asked for, are within the limits, and not too many at once. */
  maySubscribe(user: string, socket: Socket): boolean
}

export function createSocketBudget<Socket extends SocketSubscriptions>(maxSockets: number): SocketBudget<Socket> {
  const socketsOf = new Map<string, Set<Socket>>()
  /** Of users with a socket: subscriptions that they may begin now. */
  const allowances = new Map<string, { left: number; at: number }>()
  let total = 0
  const mayBegin = (user: string): boolean => {
    const now = performance.now()
    const { left, at } = allowances.get(user) ?? { left: LIMITS.subscriptionsOfUser.value, at: now }
    const earned = ((now - at) / 1000) * LIMITS.subscriptionsBegunPerSecond.value
    const next = Math.min(LIMITS.subscriptionsOfUser.value, left + earned) - 1
    allowances.set(user, { left: Math.max(0, next), at: now })
    return next >= 0
  }
  const count = ({ subscriptions }: Socket): number => Object.keys(subscriptions).length
  return {
    enter(user, socket) {
      const sockets = socketsOf.get(user) ?? new Set()
      if (sockets.size >= LIMITS.socketsOfUser.value || total >= maxSockets) return false
      socketsOf.set(user, sockets.add(socket))
      total++
      return true
    },
    leave(user, socket) {
      const sockets = socketsOf.get(user)
      if (sockets?.delete(socket) === true) total--
      if (sockets?.size !== 0) return
      socketsOf.delete(user)
      allowances.delete(user)
    },
    maySubscribe(user, socket) {
      if (!mayBegin(user) || count(socket) > LIMITS.subscriptionsOfSocket.value) return false
      let ofUser = 0
      for (const one of socketsOf.get(user) ?? []) ofUser += count(one)
      return ofUser <= LIMITS.subscriptionsOfUser.value
    },
  }
}
