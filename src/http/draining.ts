import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a server ends without cutting off anybody who was let in. */
export interface Draining {
  /** Whether a request came after it had begun, and is to be refused: not when it is worked on, which may be later. */
  cameLate(response: ServerResponse): boolean
  /**
   * When a request that came after it had begun may be refused: at once, while others are still worked on; then when
   * nobody can connect any more. Who is refused may connect anew at once, and would be cut off as the server closes.
   */
  whenToRefuse(response: ServerResponse): Promise<void>
  /**
   * Each answer from here on is the last of its connection. Settles when no request is in flight, what was on its way
   * has come, and all of it is answered, or after `deadlineMs`, with what is then cut off.
   */
  drain(deadlineMs: number): Promise<void>
}

/**
 * A request that was sent before its sender knew has come by then, so that no connection is closed under it. It is
 * counted in looks, not in time: a process that was held up meanwhile has looked at nothing.
 */
const LAST_LOOKS = 20
const LOOK_MS = 10

export function createDraining(server: Server): Draining {
  /** Those that are worked on. */
  const inFlight = new Set<ServerResponse>()
  const late = new WeakSet<ServerResponse>()
  let begun = false
  let refusing = Promise.resolve()
  // before Fastify's own, which may answer at once
  server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
    inFlight.add(response)
    if (begun) {
      late.add(response)
      response.shouldKeepAlive = false
    }
    response.once('close', () => inFlight.delete(response))
  })
  const connections = (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)))

  return {
    cameLate: (response) => late.has(response),
    whenToRefuse(response) {
      inFlight.delete(response)
      return refusing
    },
    async drain(deadlineMs) {
      const deadline = performance.now() + deadlineMs
      const isLate = (): boolean => performance.now() >= deadline
      begun = true
      for (const response of inFlight) response.shouldKeepAlive = false
      while (inFlight.size > 0 && !isLate()) await sleep(LOOK_MS)
      const shut = Promise.withResolvers<void>()
      refusing = shut.promise
      for (let look = 0; look < LAST_LOOKS && !isLate() && (await connections()) > 0; look++) await sleep(LOOK_MS)
      // whoever has connected by now is let in by this turn: the system would cut off whom nobody has let in
      await new Promise(setImmediate)
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      shut.resolve()
      await Promise.race([closed, sleep(Math.max(0, deadline - performance.now()), undefined, { ref: false })])
      server.closeAllConnections()
    },
  }
}
