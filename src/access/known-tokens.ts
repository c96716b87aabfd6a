import type { AccessChange, MachineTokenMade } from '../domain/access-change.ts'
import { BridgeError } from '../domain/errors.ts'
import { createRevocations, type IssuedToken } from './revocations.ts'

/** A token of a machine, as operators see it. */
export interface MachineToken extends Omit<MachineTokenMade, 'kind' | 'at'> {
  createdAt: number
  revokedAt: number | undefined
  /** By this instance, since its start. */
  lastUsedAt: number | undefined
}

/** What is known of tokens beside what they say: which were made for machines, and which were taken away. */
export interface KnownTokens {
  /** Learns of a change, in whatever order changes come. */
  learn(change: AccessChange): void
  /** Throws UNAUTHENTICATED where a token was taken away, SOURCE_UNAVAILABLE where nobody can say. */
  check(token: IssuedToken): void
  /** Calls `end` where the token was taken away, or as soon as it is. Returns how to stop that. */
  watch(token: IssuedToken, end: () => void): () => void
  /** Ids of the tokens of a user that were issued later than now, by the clock of whoever made them. */
  issuedAhead(userId: string): string[]
  /** Tokens of machines that a user has made, and that are good. */
  madeBy(userId: string): MachineToken[]
  /** Those that have not expired, the latest first. */
  machineTokens(): MachineToken[]
}

/** `unheardSince`: of tokens issued before then nobody can say whether they were taken away. */
export function createKnownTokens(unheardSince: () => number | undefined = () => undefined): KnownTokens {
  const made = new Map<string, MachineTokenMade>()
  const usedAt = new Map<string, number>()
  const revocations = createRevocations()
  /** By id: tokens that were shown, and by their clock are not issued yet. */
  const ahead = new Map<string, IssuedToken>()
  const watched = new Map<() => void, IssuedToken>()
  const revokedAt = (token: IssuedToken): number | undefined =>
    revocations.revokedAt(token, token.id === undefined ? undefined : made.get(token.id))
  const endRevoked = (): void => {
    for (const [end, token] of watched) if (revokedAt(token) !== undefined) end()
  }
  const noteAhead = (token: IssuedToken): void => {
    const now = Date.now()
    if (token.issuedAt <= now || token.id === undefined) return
    for (const [id, { issuedAt }] of ahead) if (issuedAt <= now) ahead.delete(id)
    ahead.set(token.id, token)
  }
  return {
    learn(change) {
      if (change.kind === 'machine-token') {
        if (change.expiresAt > Date.now()) made.set(change.id, change)
        // who made it may be known to be out
        return endRevoked()
      }
      revocations.learn(change)
      endRevoked()
    },
    check(token) {
      if (revokedAt(token) !== undefined) throw new BridgeError('UNAUTHENTICATED', 'the token was revoked')
      if (token.issuedAt < (unheardSince() ?? 0))
        throw new BridgeError('SOURCE_UNAVAILABLE', 'it is not known whether the token was revoked: try again')
      if (token.id !== undefined && made.has(token.id)) usedAt.set(token.id, Date.now())
      noteAhead(token)
    },
    issuedAhead(userId) {
      const now = Date.now()
      const known = [...ahead.values(), ...[...made.values()].map(({ at, ...token }) => ({ ...token, issuedAt: at }))]
      const ids = known.flatMap((token) => (token.userId === userId && token.issuedAt > now ? (token.id ?? []) : []))
      return [...new Set(ids)]
    },
    watch(token, end) {
      watched.set(end, token)
      if (revokedAt(token) !== undefined) end()
      return () => void watched.delete(end)
    },
    machineTokens,
    madeBy: (userId) => machineTokens().filter(({ by, revokedAt }) => by === userId && revokedAt === undefined),
  }

  function machineTokens(): MachineToken[] {
    const now = Date.now()
    for (const { id, expiresAt } of made.values()) {
      if (expiresAt > now) continue
      made.delete(id)
      usedAt.delete(id)
    }
    return [...made.values()].map(toListed).sort((a, b) => b.createdAt - a.createdAt)
  }

  function toListed({ kind: _kind, at, ...token }: MachineTokenMade): MachineToken {
    return {
      ...token,
      createdAt: at,
      revokedAt: revokedAt({ ...token, issuedAt: at }),
      lastUsedAt: usedAt.get(token.id),
    }
  }
}
