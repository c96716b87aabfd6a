import type { Scope } from './scope.ts'

/** A token was made for a machine: all about it, but the token itself is told once and kept nowhere. */
export interface MachineTokenMade {
  kind: 'machine-token'
  /** Milliseconds since 1970. */
  at: number
  by: string
  id: string
  userId: string
  roles: readonly string[]
  /** Absent: everything. */
  access?: readonly Scope[] | undefined
  note?: string | undefined
  expiresAt: number
}

/**
 * Tokens were taken away: one by its id, or all of a user that were issued until `at`; `made`: the tokens of machines as
 * well that this user had made.
 */
export interface AccessRevoked {
  kind: 'revocation'
  at: number
  by: string
  userId?: string | undefined
  tokenId?: string | undefined
  made?: boolean | undefined
  reason: string
}

export type AccessChange = MachineTokenMade | AccessRevoked
