import type { AccessRevoked, MachineTokenMade } from '../domain/access-change.ts'

/** What a token says of itself. */
export interface IssuedToken {
  userId: string
  id: string | undefined
  /** Milliseconds since 1970, at the earliest: the clock of whoever signed it may be ahead. */
  issuedAt: number
}

/** What was taken away. */
export interface Revocations {
  /** Learns of one, in whatever order they come. */
  learn(revocation: AccessRevoked): void
  /** When a token was taken away, in milliseconds since 1970. `making`: of a machine's token. */
  revokedAt(token: IssuedToken, making: MachineTokenMade | undefined): number | undefined
}

/**
 * Milliseconds after a revocation for which tokens that its user makes are taken away as well: so long may an instance
 * that has not heard of it let the user make some.
 */
const MADE_AFTER_MS = 5000

export function createRevocations(): Revocations {
  /** When the tokens of a user, one token, or what a user had made, were taken away last. */
  const ofUsers = new Map<string, number>()
  const ofTokens = new Map<string, number>()
  const ofMakers = new Map<string, number>()
  const note = (times: Map<string, number>, key: string | undefined, at: number): void => {
    if (key !== undefined) times.set(key, Math.max(at, times.get(key) ?? at))
  }
  return {
    learn({ userId, tokenId, made, at }) {
      note(ofUsers, userId, at)
      note(ofTokens, tokenId, at)
      if (made === true) note(ofMakers, userId, at)
    },
    revokedAt({ userId, id, issuedAt }, making) {
      const ofToken = id === undefined ? undefined : ofTokens.get(id)
      if (ofToken !== undefined) return ofToken
      const ofUser = ofUsers.get(userId)
      if (ofUser !== undefined && issuedAt <= ofUser) return ofUser
      const ofMaker = making === undefined ? undefined : ofMakers.get(making.by)
      return making !== undefined && ofMaker !== undefined && making.at <= ofMaker + MADE_AFTER_MS ? ofMaker : undefined
    },
  }
}
