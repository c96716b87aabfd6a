import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { LIMITS } from '../domain/limits.ts'
import { noteConnection } from '../turns/event-loop.ts'
import type { Addresses } from './address.ts'
import { createStrangers } from './strangers.ts'

export interface Connections {
  /** A request with a good token of this user came by it. */
  showed(socket: Socket, user: string): void
}

/**
 * Connections are strangers until they show a token, or become WebSockets, which are counted by themselves. Then they
 * are their user's, of whom too many would leave nobody else one: the system has so many, and each takes memory.
 */
export function watchConnections(
  server: Server,
  addresses: Pick<Addresses, 'ofConnection'>,
  mostOfUser = LIMITS.connectionsOfUser.value,
): Connections {
  const dismiss = (socket: Socket): void => void socket.destroy()
  const strangers = createStrangers<Socket>({
    most: LIMITS.strangers.value,
    mostOfAddress: LIMITS.strangersOfAddress.value,
    dismiss,
  })
  const known = createStrangers<Socket>({ most: Number.POSITIVE_INFINITY, mostOfAddress: mostOfUser, dismiss })
  const remove = (socket: Socket): void => {
    strangers.remove(socket)
    known.remove(socket)
  }
  const add = (socket: Socket): void => {
    strangers.add(socket, addresses.ofConnection(socket))
    socket.once('close', () => remove(socket))
  }
  /** Connections by their peers: with TLS, requests come by another socket, which stands on this one. */
  const plain = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    noteConnection()
    add(socket)
    const peer = peerOf(socket)
    plain.set(peer, socket)
    socket.once('close', () => {
      if (plain.get(peer) === socket) plain.delete(peer)
    })
  })
  server.on('secureConnection', (socket: Socket) => {
    const below = plain.get(peerOf(socket))
    if (below !== undefined) strangers.remove(below)
    add(socket)
  })
  server.on('upgrade', ({ socket }) => remove(socket))
  return {
    showed(socket, user) {
      remove(socket)
      // a connection of a proxy's is everybody's; one that is gone does not close again
      if (addresses.ofConnection(socket) !== undefined && !socket.destroyed) known.add(socket, user)
    },
  }
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`

/** Who reads nothing of the answer is not waited for; Node sets it anew for what follows. */
export function boundUnread({ socket }: IncomingMessage): void {
  socket.setTimeout(LIMITS.unreadSeconds.value * 1000)
}
