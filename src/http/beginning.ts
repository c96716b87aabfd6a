import type { IncomingMessage } from 'node:http'
import type { KnownTokens } from '../access/known-tokens.ts'
import type { IssuedToken } from '../access/revocations.ts'
import type { Principal } from '../access/roles.ts'
import { type BridgeError, isBridgeError } from '../domain/errors.ts'
import { turnOf } from '../turns/event-loop.ts'

/** The status of what nobody reads, as other servers log it. */
export const CLIENT_GONE = 499

export interface BeginningOptions {
  /** Of revocations. */
  known: Pick<KnownTokens, 'check'>
  /** Settles when everything is known that was acknowledged elsewhere before it was called. */
  whenCurrent: () => Promise<void>
}

/** Settles when a request that has arrived may be worked on; with why not, where nothing is to be done for it. */
export type Begin = (
  request: IncomingMessage,
  caller: { principal: Principal; token: IssuedToken },
) => Promise<'gone' | BridgeError | undefined>

/** What a request costs begins here: a user with many of them at once delays nobody else's. */
export const createBeginning =
  ({ known, whenCurrent }: BeginningOptions): Begin =>
  async ({ socket }, { principal, token }) => {
    await whenCurrent()
    await turnOf(principal.userId)
    // who went away while it waited is answered nothing, and nothing is done for them; Node ends the other half then
    if (!socket.writable) return 'gone'
    try {
      // a body may take seconds to arrive, and what others revoked meanwhile is known now
      known.check(token)
      return undefined
    } catch (error) {
      if (!isBridgeError(error)) throw error
      return error
    }
  }
