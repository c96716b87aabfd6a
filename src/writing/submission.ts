import { createHash } from 'node:crypto'
import { digestVersion, versionedDigest } from '../domain/digest-version.ts'
import type { Scope } from '../domain/scope.ts'
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
  messageId?: string | null | undefined
  requestId?: string | null | undefined
  user?: string | null | undefined
  host?: string | null | undefined
  branch?: string | null | undefined
  sidechain?: boolean | null | undefined
  /** 32 hexadecimal digits: the identity that the sender's enhanced analysis gave it. */
  identity?: string | null | undefined
  /** Where the sender has it. */
  origin?: { path: string; offset: bigint | Unreadable } | null | undefined
}

/** Who submits, what they may write for, and under which key. */
export interface Submission {
  caller: string
  /** A record that is within none of them is refused; absent: everything. */
  scopes?: readonly Scope[]
  idempotencyKey: string | undefined
  records: readonly SubmittedRecord[]
}

/** Raise it when the same records would give another hash; a hash of an earlier version is compared in its own. */
const HASH_VERSION = 2

/**
 * SHA-256 of the content of a call, with its version: the same for the same records, however numbers were written, and
 * null as absent.
 */
export function contentHash(records: readonly SubmittedRecord[], version = HASH_VERSION): string {
  const canonical = version === 1 ? records.map(listed) : canonicalOf(records)
  return versionedDigest(version, createHash('sha256').update(JSON.stringify(canonical)).digest('hex'))
}

/** Whether a call has the content that was hashed, by a release of today or of before. */
export const hasContent = (hash: string, records: readonly SubmittedRecord[]): boolean =>
  contentHash(records, digestVersion(hash)) === hash

/** Members in one order, without those that are absent: what can be sent one day changes no hash of a call without it. */
function canonicalOf(value: unknown): unknown {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value)
  if (Array.isArray(value)) return value.map(canonicalOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .filter(([, member]) => member !== null && member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, canonicalOf(member)])
}

/** Version 1: the members that there were then, by their places, and what is absent as null. */
function listed({ tokens, origin, ...r }: SubmittedRecord): unknown {
  const text = (value: unknown): string | null | undefined =>
    typeof value === 'bigint' || typeof value === 'number' ? String(value) : (value as string | null | undefined)
  return [
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
  ]
}
