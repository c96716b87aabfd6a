import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from 'graphql-ws'
import { CloseCode } from 'graphql-ws'
import type { WebSocket } from 'ws'
import { clip } from '../domain/clip.ts'
import { LIMITS } from '../domain/limits.ts'

/** Close codes of WebSocket itself, by RFC 6455 and its registry. */
export const POLICY_VIOLATION = 1008
const TRY_AGAIN_LATER = 1013
/** A peer that does not answer a close is not waited for. */
const CLOSE_WAIT_MS = 1000
const HEARTBEAT_MS = 12_000

/**
 * Carries the messages of the protocol over a WebSocket, and bounds what one may cost: messages and pings by their
 * rate, answers by what the client has not read of them, and silence by a heartbeat.
 */
export function carryMessages<Extra>(
  server: Server<Extra>,
  socket: WebSocket,
  extra: Extra,
  onProblem: (error: unknown) => void,
): void {
  const mayCome = createRate(LIMITS.socketMessagesAtOnce.value, LIMITS.socketMessagesPerSecond.value)
  const isWelcome = (): boolean => {
    if (socket.readyState !== socket.OPEN) return false
    if (mayCome()) return true
    cutOff(socket, POLICY_VIOLATION, 'too many messages')
    return false
  }
  const closed = server.opened(
    {
      protocol: socket.protocol,
      async send(data) {
        if (socket.readyState !== socket.OPEN) return
        if (socket.bufferedAmount > LIMITS.socketUnreadBytes.value) return socket.terminate()
        await new Promise<void>((resolve) => socket.send(data, () => resolve()))
      },
      close: (code, reason) => socket.close(code, reason === undefined ? reason : shortReason(reason)),
      onMessage(take) {
        socket.on('message', (data) => {
          if (isWelcome()) take(String(data)).catch(fail)
        })
      },
    },
    extra,
  )
  const fail = (error: unknown): void => {
    onProblem(error)
    cutOff(socket, CloseCode.InternalServerError, 'internal error')
  }

  let isAlive = true
  socket.on('ping', isWelcome)
  socket.on('pong', () => {
    isAlive = true
    isWelcome()
  })
  const heartbeat = setInterval(() => {
    if (!isAlive) return socket.terminate()
    isAlive = false
    socket.ping()
  }, HEARTBEAT_MS)
  // what is no frame of the protocol: ws closes it by itself
  socket.on('error', () => undefined)
  socket.once('close', (code, reason) => {
    clearInterval(heartbeat)
    void Promise.resolve(closed(code, String(reason))).catch(onProblem)
  })
}

/** Between two looks at what a client has not read. */
const UNREAD_LOOK_MS = 100

/** Settles when the client has read what it was sent, or is gone. */
export async function whenRead(socket: Pick<WebSocket, 'readyState' | 'OPEN' | 'bufferedAmount'>): Promise<void> {
  while (socket.readyState === socket.OPEN && socket.bufferedAmount > 0)
    await sleep(UNREAD_LOOK_MS, undefined, { ref: false })
}

/** Closes with a reason, and does not wait long for the peer's consent. */
export function cutOff(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, shortReason(reason))
  const wait = setTimeout(() => socket.terminate(), CLOSE_WAIT_MS)
  socket.once('close', () => clearTimeout(wait))
}

/** To come back later, as a client of the protocol does by itself after this code. */
export function sendAway(socket: WebSocket, reason: string): void {
  cutOff(socket, TRY_AGAIN_LATER, reason)
}

/** A close frame has room for 123 bytes, and some reasons name what a caller sent. */
const shortReason = (reason: string): string => (Buffer.byteLength(reason) > 123 ? clip(reason, 40) : reason)

/** Allows so many at once, and on average so many a second. */
function createRate(most: number, perSecond: number): () => boolean {
  let left = most
  let at = performance.now()
  return () => {
    const now = performance.now()
    left = Math.min(most, left + ((now - at) / 1000) * perSecond)
    at = now
    if (left < 1) return false
    left--
    return true
  }
}
