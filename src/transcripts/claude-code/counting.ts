import { clipBranch } from '../../domain/branch.ts'
import { advisorIdentity, identityOf, isUniqueMessageId, lineIdentity, messageIdentity } from '../../domain/identity.ts'
import { isSessionId, MAX_TOKENS } from '../../domain/limits.ts'
import type { RefusalReason } from '../../domain/refusal.ts'
import { parseTimestamp } from '../../domain/timestamp.ts'
import { type CountField, totalOf } from '../../domain/token-counts.ts'
import type { CountingSink, LogNaming } from '../format.ts'
import type { TokenCopy } from '../token-copy.ts'
import type { UsualLine } from './line-scanner/line-scanner.ts'

export interface LineContext {
  naming: LogNaming
  /** Byte offset of the line. */
  offset: number
  /** A hash of the line's bytes; asked for only where the line has no identity of its own. */
  lineHash: () => string
}

/** A parsed JSON object: any member may be anything. */
type Json = Record<string, unknown>

/**
 * Counts one line (rules 1 to 7). `line` is the parsed line, or a projection of it that has at least
 * `sessionId`, `uuid`, `timestamp`, `requestId`, `isSidechain`, `gitBranch`, `message` and `data`.
 */
export function countLine(line: unknown, context: LineContext, sink: CountingSink): void {
  if (!isObject(line)) return
  if (isObject(line.message) && isObject(line.message.usage)) {
    countResponse(line, line, line.message, line.isSidechain === true, context, sink)
  }
  // an agent_progress line: the sub-agent's message with a time and request of its own, always a sidechain
  const progress = isObject(line.data) ? line.data.message : undefined
  if (isObject(progress) && isObject(progress.message) && isObject(progress.message.usage)) {
    countResponse(line, progress, progress.message, true, context, sink)
  }
}

/** Counts a usual line: the same as `countLine` of its projection, without parsing it. */
export function countUsual(line: UsualLine, context: LineContext, sink: CountingSink): void {
  const { offset } = context
  const counts = toCounts(
    line.input,
    line.output,
    line.cacheRead,
    line.cacheCreationFlat,
    line.cacheCreation5m,
    line.cacheCreation1h,
  )
  if (typeof counts === 'string') return sink.refuse(counts, offset)
  const { time, sidechain } = line
  const session = sessionOf(line.session(), context.naming)
  if (session === undefined) return sink.refuse('invalid_session_id', offset)
  const messageId = line.messageId()
  const identity =
    (messageId === undefined || !isUniqueMessageId(messageId)
      ? identityOf({ messageId, requestId: line.requestId(), uuid: line.uuid(), session, time })
      : messageIdentity(messageId)) ?? lineIdentity(session, context.lineHash(), offset)
  const branch = line.branch() ?? ''
  sink.copy(toCopy(counts, { identity, time, offset, sidechain, session, branch, model: line.model() ?? 'unknown' }))
}

/** `envelope` is what carries the message's timestamp, requestId and uuid; `line` names the session. */
function countResponse(
  line: Json,
  envelope: Json,
  message: Json,
  sidechain: boolean,
  context: LineContext,
  sink: CountingSink,
): void {
  const { offset } = context
  const counts = readCounts(message.usage as Json)
  if (typeof counts === 'string') return sink.refuse(counts, offset)
  const time = parseTimestamp(envelope.timestamp)
  if (time === undefined) return sink.refuse('invalid_timestamp', offset)
  const session = sessionOf(line.sessionId, context.naming)
  if (session === undefined) return sink.refuse('invalid_session_id', offset)
  const identity =
    identityOf({
      messageId: textOf(message.id),
      requestId: textOf(envelope.requestId),
      uuid: textOf(envelope.uuid),
      session,
      time,
    }) ?? lineIdentity(session, context.lineHash(), offset)
  const model = textOf(message.model) ?? 'unknown'
  const shared = { identity, time, offset, sidechain, session, branch: textOf(line.gitBranch) ?? '' }
  sink.copy(toCopy(counts, { ...shared, model }))
  countAdvisors((message.usage as Json).iterations, shared, sink)
}

/** Rule 1, last sentence: an advisor's answer is a record of its own, with its own model. */
function countAdvisors(
  iterations: unknown,
  shared: Pick<TokenCopy, 'identity' | 'time' | 'offset' | 'sidechain' | 'session' | 'branch'>,
  sink: CountingSink,
): void {
  if (!Array.isArray(iterations)) return
  for (const [n, entry] of (iterations as unknown[]).entries()) {
    if (!isObject(entry) || entry.type !== 'advisor_message') continue
    const counts = readCounts(entry)
    if (typeof counts === 'string') {
      sink.refuse(counts, shared.offset)
      continue
    }
    const identity = advisorIdentity(shared.identity, n)
    sink.copy(toCopy(counts, { ...shared, identity, model: textOf(entry.model) ?? 'unknown' }))
  }
}

type Counts = Pick<TokenCopy, CountField>

/** Spelled out: copying with spreads took a tenth of the time of a cold analysis. */
function toCopy(
  counts: Counts,
  rest: Pick<TokenCopy, 'identity' | 'time' | 'offset' | 'sidechain' | 'session' | 'branch' | 'model'>,
): TokenCopy {
  const { input, output, cacheRead, cacheCreation5m, cacheCreation1h } = counts
  return {
    identity: rest.identity,
    time: rest.time,
    offset: rest.offset,
    total: totalOf(counts),
    input,
    output,
    cacheRead,
    cacheCreation5m,
    cacheCreation1h,
    sidechain: rest.sidechain,
    // a lone surrogate has no bytes in UTF-8, which every store keeps: U+FFFD stands for it, as in the line's bytes
    model: rest.model.toWellFormed(),
    branch: clipBranch(rest.branch),
    session: rest.session,
  }
}

/** Rules 1 and 2. A flat cache creation has no split; it is kept as 5 minutes, the agent's default. */
function readCounts(usage: Json): Counts | RefusalReason {
  const input = wholeNumber(usage.input_tokens)
  const output = wholeNumber(usage.output_tokens)
  const cacheRead = wholeNumberOrAbsent(usage.cache_read_input_tokens)
  const flat = wholeNumberOrAbsent(usage.cache_creation_input_tokens)
  const split = usage.cache_creation ?? {}
  if (!isObject(split)) return 'invalid_tokens'
  const fiveMinutes = wholeNumberOrAbsent(split.ephemeral_5m_input_tokens)
  const oneHour = wholeNumberOrAbsent(split.ephemeral_1h_input_tokens)
  if (
    input === undefined ||
    output === undefined ||
    cacheRead === undefined ||
    flat === undefined ||
    fiveMinutes === undefined ||
    oneHour === undefined
  ) {
    return 'invalid_tokens'
  }
  return toCounts(input, output, cacheRead, flat, fiveMinutes, oneHour)
}

function toCounts(
  input: number,
  output: number,
  cacheRead: number,
  flat: number,
  fiveMinutes: number,
  oneHour: number,
): Counts | RefusalReason {
  const isSplit = fiveMinutes + oneHour > 0
  const cacheCreation = isSplit ? fiveMinutes + oneHour : flat
  if (Math.max(input, output, cacheRead, flat, cacheCreation) > MAX_TOKENS) return 'token_count_out_of_range'
  return {
    input,
    output,
    cacheRead,
    cacheCreation5m: isSplit ? fiveMinutes : flat,
    cacheCreation1h: isSplit ? oneHour : 0,
  }
}

function wholeNumber(value: unknown): number | undefined {
  // the 0 that is added makes +0 of -0
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value + 0 : undefined
}

function wholeNumberOrAbsent(value: unknown): number | undefined {
  return value === undefined || value === null ? 0 : wholeNumber(value)
}

/** Rule 6, an empty `sessionId` is as absent; `undefined` where the session that the rule gives is not a valid session id. */
function sessionOf(sessionId: unknown, naming: LogNaming): string | undefined {
  const session = naming.pathSession ?? (sessionId === '' ? undefined : sessionId) ?? naming.stem
  return typeof session === 'string' && isSessionId(session) ? session : undefined
}

/** A text that says something: null, empty and whatever is no text are absent. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
