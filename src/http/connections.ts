import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { LIMITS } from '../domain/limits.ts'
import { noteConnection } from '../turns/event-loop.ts'
import type { Addresses } from './address.ts'
import { createStrangers, type Strangers } from './strangers.ts'

/** Connections are strangers until they show a token, or become WebSockets, which are counted by themselves. */
export function watchStrangers(server: Server, addresses: Addresses): Strangers<Socket> {
  const strangers = createStrangers<Socket>({
    most: LIMITS.strangers.value,
    mostOfAddress: LIMITS.strangersOfAddress.value,
    dismiss: (socket) => socket.destroy(),
  })
  const add = (socket: Socket): void => {
    strangers.add(socket, addresses.ofConnection(socket))
    socket.once('close', () => strangers.remove(socket))
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
  server.on('upgrade', ({ socket }) => strangers.remove(socket))
  return strangers
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
