import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { Budget } from '../ports/budgets.ts'

export interface SocketBytesOptions {
  /** Bytes that a user may send. */
  budget: Pick<Budget, 'add' | 'refusal'>
  /** Whom they count for; `undefined` until the socket has shown a token. */
  user: () => string | undefined
  /** The user has nothing left, and goes on all the same. */
  onSpent: (refusal: BridgeError) => void
  /** Most of what comes carries no message. */
  onFrames: () => void
}

/**
 * Counts every byte that arrives over a WebSocket for its user: pings, pongs, heads of frames and fragments of nothing,
 * too, of which the library tells some and others not. A socket whose user has nothing left may send as much as one
 * message more, so that the answer says why nothing is done; and a quiet one, which answers the heartbeat, stays.
 */
export function countSocketBytes(socket: WebSocket, connection: Duplex, options: SocketBytesOptions): void {
  const { budget, user, onSpent, onFrames } = options
  let spent = 0
  const frames = createLeaking(LIMITS.socketFrameBytes.value, LIMITS.socketFrameBytesPerSecond.value)
  // before the library reads it, and tells of the messages in it
  connection.prependListener('data', ({ length }: Buffer) => {
    const who = user()
    const refusal = who === undefined ? undefined : budget.refusal(who, 0)
    if (who !== undefined) budget.add(who, length)
    spent = refusal === undefined ? 0 : spent + length
    const isTooMuch = !frames.add(length)
    if (socket.readyState !== socket.OPEN) return
    if (refusal !== undefined && spent > LIMITS.socketMessageBytes.value) onSpent(refusal)
    else if (isTooMuch) onFrames()
  })
  socket.on('message', (data: Buffer) => frames.take(data.length))
}

/** A level that falls by so much a second. */
function createLeaking(most: number, perSecond: number) {
  let level = 0
  let at = performance.now()
  return {
    /** `false` where that is too much. */
    add(amount: number): boolean {
      const now = performance.now()
      level = Math.max(0, level - ((now - at) / 1000) * perSecond) + amount
      at = now
      return level <= most
    },
    take(amount: number): void {
      level = Math.max(0, level - amount)
    },
  }
}
