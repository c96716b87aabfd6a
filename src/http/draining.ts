import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a server ends without cutting off anybody who was let in. */
export interface Draining {
  /** Whether it has begun: what comes from here on is to be refused. */
  hasBegun(): boolean
  /**
   * Each answer from here on is the last of its connection. Settles when no request is in flight and what was on its way
   * has come, or after `deadlineMs`, with what is then cut off.
   */
  drain(deadlineMs: number): Promise<void>
}

/**
 * A request that was sent before its sender knew has come by then, so that no connection is closed under it. It is
 * counted in looks, not in time: a process that was held up meanwhile has looked at nothing.
 */
const QUIET_LOOKS = 20
const LOOK_MS = 10

export function createDraining(server: Server): Draining {
  const inFlight = new Set<ServerResponse>()
  let begun = false
  /** Looks since the last request came or was answered. */
  let quiet = 0
  // before Fastify's own, which may answer at once
  server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
    inFlight.add(response)
    quiet = 0
    if (begun) response.shouldKeepAlive = false
    response.once('close', () => {
      inFlight.delete(response)
      quiet = 0
    })
  })
  const connections = (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)))

  return {
    hasBegun: () => begun,
    async drain(deadlineMs) {
      const deadline = performance.now() + deadlineMs
      begun = true
      quiet = 0
      for (const response of inFlight) response.shouldKeepAlive = false
      while (performance.now() < deadline && (await connections()) > 0) {
        if (inFlight.size === 0 && quiet++ >= QUIET_LOOKS) break
        await sleep(LOOK_MS)
      }
      if (inFlight.size > 0) server.closeAllConnections()
    },
  }
}
