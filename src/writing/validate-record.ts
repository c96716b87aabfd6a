import {
  identityDigest,
  identityOf,
  isUniqueMessageId,
  messageIdentity,
  ownedIdentity,
  submittedIdentity,
} from '../domain/identity.ts'
import { isSessionId, LIMITS, MAX_TOKENS } from '../domain/limits.ts'
import { isPlainText } from '../domain/plain-text.ts'
import type { RejectedRecord, RejectionCode } from '../domain/rejected-record.ts'
import type { outsideOf } from '../domain/scope.ts'
import type { CountField } from '../domain/token-counts.ts'
import { isUnreadable, type Unreadable } from '../domain/unreadable.ts'
import type { JournaledRecord } from '../ports/journal.ts'
import type { SubmittedRecord } from './submission.ts'

/** What a record that leaves something out gets. */
export interface RecordDefaults {
  caller: string
  user: string
  /** Names the call: the idempotency key, or an id made for it. */
  key: string
  /** Tells by which field a record is outside of what the caller may write for (`domain/scope.ts`). */
  outside: ReturnType<typeof outsideOf>
}

export type ValidatedRecord = { record: JournaledRecord } | { mistakes: RejectedRecord[] }

/** Checks one record of a call; tells every mistake with its field (the limits are those of domain.md). */
export function validateRecord(
  submitted: SubmittedRecord,
  index: number,
  { caller, user, key, outside }: RecordDefaults,
): ValidatedRecord {
  const mistakes: RejectedRecord[] = []
  const check = createChecks((code, field, message) => mistakes.push({ index, code, field, message }))
  const session = submitted.sessionId
  if (!isSessionId(session)) check.wrong('invalid_session_id', 'sessionId', 'sessionId must be 1 to 100 of a-zA-Z0-9_-')
  const time = check.time('occurredAt', submitted.occurredAt)
  const project = check.text('project', submitted.project)
  if (project === undefined) check.wrong('invalid_text', 'project', 'project must not be empty')
  const model = check.text('model', submitted.model) ?? 'unknown'
  const counts = countsIn(submitted, check)
  const messageId = check.text('messageId', submitted.messageId)
  const requestId = check.text('requestId', submitted.requestId)
  const given = check.text('identity', submitted.identity)
  if (given !== undefined && !/^[0-9a-f]{32}$/.test(given))
    check.wrong('invalid_identity', 'identity', 'identity must be 32 hexadecimal digits')
  // nobody gets a record past the rule by being named so
  const owner = check.text('user', submitted.user) ?? check.text('user', user) ?? user
  const host = check.text('host', submitted.host) ?? 'unknown'
  const branch = check.text('branch', submitted.branch) ?? ''
  const origin = originIn(submitted, check)
  if (mistakes.length > 0) return { mistakes }
  const wrongField = outside({ user: owner, project: project as string, host })
  if (wrongField !== undefined) return { mistakes: [outOfScope(index, wrongField)] }

  return {
    record: {
      ...identityIn({ given, messageId, requestId, session, time }, owner, submittedIdentity(caller, key, index)),
      time,
      session,
      project: project as string,
      model,
      user: owner,
      host,
      branch,
      ...counts,
      sidechain: submitted.sidechain ?? false,
      ...(origin === undefined ? {} : { origin: { ...origin, path: `${owner}@${host}:${origin.path}` } }),
    },
  }
}

interface IdentityParts {
  given: string | undefined
  messageId: string | undefined
  requestId: string | undefined
  session: string
  time: number
}

/**
 * Which record it is (rule 7). What is not unique by itself is its user's or its caller's own. A given identity may be
 * anything, so it is nobody's own.
 */
function identityIn(
  { given, messageId, ...parts }: IdentityParts,
  user: string,
  submitted: string,
): Pick<JournaledRecord, 'identity' | 'isOwn'> {
  if (given !== undefined) return { identity: given }
  if (messageId === undefined) return { identity: identityDigest(submitted), isOwn: true }
  if (isUniqueMessageId(messageId)) return { identity: identityDigest(messageIdentity(messageId)) }
  const named = identityOf({ ...parts, messageId, uuid: undefined }) as string
  return { identity: identityDigest(ownedIdentity(user, named)), isOwn: true }
}

const outOfScope = (index: number, field: string): RejectedRecord => ({
  index,
  code: 'OUT_OF_SCOPE',
  field,
  message: `${field} is none that this token may write for`,
})

type Wrong = (code: RejectionCode, field: string, message: string) => void
type Checks = ReturnType<typeof createChecks>

/** Checks of single fields: they give something usable even where they tell a mistake. */
function createChecks(wrong: Wrong) {
  return {
    wrong,
    time(field: string, value: number | Unreadable): number {
      if (!isUnreadable(value)) return value
      wrong('invalid_timestamp', field, `${field} ${value.unreadable}`)
      return 0
    },
    count(field: string, value: bigint | Unreadable | null | undefined): number {
      if (value === null || value === undefined) return 0
      if (isUnreadable(value)) wrong('invalid_tokens', field, `${field} ${value.unreadable}`)
      else if (value < 0n) wrong('invalid_tokens', field, `${field} must not be negative`)
      else if (value > BigInt(MAX_TOKENS))
        wrong('token_count_out_of_range', field, `${field} must be at most ${MAX_TOKENS}`)
      else return Number(value)
      return 0
    },
    text(
      field: string,
      value: string | null | undefined,
      maxLength: number = LIMITS.nameLength.value,
    ): string | undefined {
      if (value === null || value === undefined || value === '') return undefined
      if (!isPlainText(value, maxLength))
        wrong(
          'invalid_text',
          field,
          `${field} must have at most ${maxLength} characters, and none that control or cannot be seen`,
        )
      return value
    },
  }
}

function countsIn({ tokens }: SubmittedRecord, { count, wrong }: Checks): Record<CountField, number> {
  const input = count('tokens.input', tokens.input)
  const output = count('tokens.output', tokens.output)
  const cacheRead = count('tokens.cacheRead', tokens.cacheRead)
  const cacheCreation = count('tokens.cacheCreation', tokens.cacheCreation)
  const cacheCreation1h = count('tokens.cacheCreation1h', tokens.cacheCreation1h)
  if (cacheCreation1h > cacheCreation)
    wrong('invalid_tokens', 'tokens.cacheCreation1h', 'tokens.cacheCreation1h is part of tokens.cacheCreation')
  return { input, output, cacheRead, cacheCreation5m: cacheCreation - cacheCreation1h, cacheCreation1h }
}

/** Where a record that was pushed stood in its transcript. */
function originIn({ origin }: SubmittedRecord, { text, wrong }: Checks): JournaledRecord['origin'] {
  const path = text('origin.path', origin?.path, LIMITS.pathLength.value)
  const offset = origin?.offset
  if (isUnreadable(offset)) wrong('invalid_identity', 'origin.offset', `origin.offset ${offset.unreadable}`)
  else if (offset !== undefined && (offset < 0n || offset > BigInt(Number.MAX_SAFE_INTEGER)))
    wrong('invalid_identity', 'origin.offset', 'origin.offset must be an offset in a file')
  return path === undefined ? undefined : { path, offset: Number(offset ?? 0n) }
}
