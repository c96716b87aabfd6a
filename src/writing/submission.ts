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

/** SHA-256 of the content of a call: the same for the same records, however numbers were written, and null as absent. */
export function contentHash(records: readonly SubmittedRecord[]): string {
  const text = (value: unknown): string | null | undefined =>
    typeof value === 'bigint' || typeof value === 'number' ? String(value) : (value as string | null | undefined)
  // in one order, and members that are absent as null: what JSON makes of undefined in a list
  const canonical = records.map(({ tokens, origin, ...r }) => [
    [
      r.sessionId,
      r.project,
      r.model,
      text(r.occurredAt),
      r.messageId,
      r.requestId,
      r.user,
      r.host,
      r.sidechain,
      r.identity,
    ],
    [tokens.input, tokens.output, tokens.cacheCreation, tokens.cacheCreation1h, tokens.cacheRead].map(text),
    [origin?.path, text(origin?.offset)],
  ])
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex')
}
