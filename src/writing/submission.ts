import { createHash } from 'node:crypto'
import type { Unreadable } from '../domain/unreadable.ts'

/** A record as a caller submits it; what is wrong with it is found by `validateRecord`. */
export interface SubmittedRecord {
  sessionId: string
  project: string
  model: string
  /** Milliseconds since 1970. */
  occurredAt: number | Unreadable
  tokens: {
    input: bigint | Unreadable
    output: bigint | Unreadable
    cacheCreation?: bigint | Unreadable | null
    cacheCreation1h?: bigint | Unreadable | null
    cacheRead?: bigint | Unreadable | null
  }
  messageId?: string | null
  requestId?: string | null
  user?: string | null
  host?: string | null
  sidechain?: boolean | null
  /** 32 hexadecimal digits: the identity that the sender's enhanced analysis gave it. */
  identity?: string | null
  /** Where the sender has it. */
  origin?: { path: string; offset: bigint | Unreadable } | null
}

/** Who submits, and under which key. */
export interface Submission {
  caller: string
  idempotencyKey: string | undefined
  records: readonly SubmittedRecord[]
}

/** SHA-256 of the content of a call: the same for the same records, however numbers were written. */
export function contentHash(records: readonly SubmittedRecord[]): string {
  const text = JSON.stringify(records.map(canonical), (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
  return createHash('sha256').update(text).digest('hex')
}

/** One order of members, null as absent. */
function canonical(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value ?? undefined
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null && member !== undefined)
      .map(([name, member]) => [name, canonical(member)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}
