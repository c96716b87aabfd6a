import { randomUUID } from 'node:crypto'
import type { AccessChange, MachineTokenMade } from '../domain/access-change.ts'
import { BridgeError } from '../domain/errors.ts'
import type { KnownTokens, MachineToken } from './known-tokens.ts'
import type { TokenHolder } from './roles.ts'

export interface MachineTokenRequest extends TokenHolder {
  note?: string | undefined
  ttlSeconds: number
}

/** Whose tokens are taken away: one of the two; `made`: the tokens of machines as well that the user has made. */
export type RevocationTarget = { userId: string; made?: boolean } | { tokenId: string }

/** What operators do about tokens. Each change settles when it is on disk, and counts from then on. */
export interface AccessChanges {
  /** The token is told here and never again. */
  createMachineToken(asked: MachineTokenRequest, by: string): Promise<{ token: string; machineToken: MachineToken }>
  /** Tells how many tokens of machines that are still good this user had made; with `made` they are so no more. */
  revoke(target: RevocationTarget, reason: string, by: string): Promise<{ made: number }>
  machineTokens(): MachineToken[]
}

export interface AccessChangesOptions {
  known: KnownTokens
  /** Absent where tokens are signed elsewhere alone. */
  sign: ((request: MachineTokenRequest, id: string) => Promise<string>) | undefined
  /** Keeps a change and tells everybody, on every instance. */
  keep: (change: AccessChange) => Promise<unknown>
  /** Hears of each that is kept, and how many good tokens of machines the user had made. */
  onRevoked?: (revocation: RevocationTarget & { reason: string; by: string }, made: number) => void
}

export function createAccessChanges({ known, sign, keep, onRevoked }: AccessChangesOptions): AccessChanges {
  return {
    async createMachineToken(asked, by) {
      if (sign === undefined)
        throw new BridgeError('CONFLICT', 'tokens are signed elsewhere: there is no AUTH_JWT_SECRET to sign one with')
      const { ttlSeconds, ...rest } = asked
      const id = randomUUID()
      const token = await sign(asked, id)
      const at = Date.now()
      const made: MachineTokenMade = { kind: 'machine-token', at, by, id, ...rest, expiresAt: at + ttlSeconds * 1000 }
      await keep(made)
      const { kind: _kind, at: createdAt, ...kept } = made
      return { token, machineToken: { ...kept, createdAt, revokedAt: undefined, lastUsedAt: undefined } }
    },
    async revoke(target, reason, by) {
      const change = { kind: 'revocation' as const, at: Date.now(), by, reason }
      // made by an instance whose clock is ahead: what was issued until now by our clock leaves them out
      const ahead = 'userId' in target ? known.issuedAhead(target.userId) : []
      const made = 'userId' in target ? known.madeBy(target.userId) : []
      const madeAhead = 'userId' in target && target.made ? made.filter(({ createdAt }) => createdAt > change.at) : []
      const ids = new Set([...ahead, ...madeAhead.map(({ id }) => id)])
      await Promise.all([target, ...[...ids].map((tokenId) => ({ tokenId }))].map((one) => keep({ ...change, ...one })))
      onRevoked?.({ ...target, reason, by }, made.length)
      return { made: made.length }
    },
    machineTokens: known.machineTokens,
  }
}
