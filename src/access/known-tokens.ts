import type { AccessChange, MachineTokenMade } from '../domain/access-change.ts'
import { BridgeError } from '../domain/errors.ts'

/** What a token says of itself. */
export interface IssuedToken {
  userId: string
  id: string | undefined
  /** Milliseconds since 1970, at the earliest: the clock of whoever signed it may be ahead. */
  issuedAt: number
}

/** A token of a machine, as operators see it. */
export interface MachineToken extends Omit<MachineTokenMade, 'kind' | 'at' | 'by'> {
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
  /** Those that have not expired, the latest first. */
  machineTokens(): MachineToken[]
}

/** `unheardSince`: of tokens issued before then nobody can say whether they were taken away. */
export function createKnownTokens(unheardSince: () => number | undefined = () => undefined): KnownTokens {
  const made = new Map<string, MachineTokenMade>()
  const usedAt = new Map<string, number>()
  /** When the tokens of a user, or one token, were taken away last. */
  const revokedUsers = new Map<string, number>()
  const revokedTokens = new Map<string, number>()
  /** By id: tokens that were shown, and by their clock are not issued yet. */
  const ahead = new Map<string, IssuedToken>()
  const watched = new Map<() => void, IssuedToken>()
  const note = (times: Map<string, number>, key: string | undefined, at: number): void => {
    if (key !== undefined) times.set(key, Math.max(at, times.get(key) ?? at))
  }
  const revokedAt = ({ userId, id, issuedAt }: IssuedToken): number | undefined => {
    const own = id === undefined ? undefined : revokedTokens.get(id)
    if (own !== undefined) return own
    const ofUser = revokedUsers.get(userId)
    return ofUser !== undefined && issuedAt <= ofUser ? ofUser : undefined
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
        return
      }
      note(revokedUsers, change.userId, change.at)
      note(revokedTokens, change.tokenId, change.at)
      for (const [end, token] of watched) if (revokedAt(token) !== undefined) end()
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
    machineTokens() {
      const now = Date.now()
      for (const { id, expiresAt } of made.values()) {
        if (expiresAt > now) continue
        made.delete(id)
        usedAt.delete(id)
      }
      return [...made.values()].map(toListed).sort((a, b) => b.createdAt - a.createdAt)
    },
  }

  function toListed({ kind: _kind, by: _by, at, ...token }: MachineTokenMade): MachineToken {
    return {
      ...token,
      createdAt: at,
      revokedAt: revokedAt({ ...token, issuedAt: at }),
      lastUsedAt: usedAt.get(token.id),
    }
  }
}
