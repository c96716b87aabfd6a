import type { SessionContext } from './session.ts'
import { uuidOf } from './session.ts'

/** A user's line with a tool result of about `bytes` bytes: never a record, whatever it contains. */
export function writeToolResult(context: SessionContext, bytes: number): void {
  const { random, writer } = context
  const half = Math.max(16, Math.floor(bytes / 2))
  const usage = random.chance(0.1) ? ',"usage":{"input_tokens":7,"output_tokens":3},"totalTokens":10' : ''
  const time = new Date(context.clock()).toISOString()
  writer.line(
    `{"parentUuid":"${uuidOf(random)}","isSidechain":${context.sidechain},"type":"user","sessionId":"${context.session}","timestamp":"${time}","message":{"role":"user","content":[{"tool_use_id":"toolu_${random.letters(24)}","type":"tool_result","content":"${context.content(half)}"}]},"toolUseResult":{"stdout":"${context.content(half)}","stderr":"","interrupted":false${usage}}}`,
    context.ending,
  )
}

/** Other lines that agents write: no usage, or a `usage` that is null. */
export function writeChatter(context: SessionContext): void {
  const { random, writer } = context
  writer.line(
    random.pick([
      `{"type":"summary","summary":"${context.content(100)}","leafUuid":"${uuidOf(random)}"}`,
      `{"type":"file-history-snapshot","messageId":"${uuidOf(random)}","snapshot":{"trackedFileBackups":{}}}`,
      `{"type":"assistant","sessionId":"${context.session}","message":{"id":"msg_null","usage":null}}`,
      '{"type":"system","subtype":"turn_duration","durationMs":1200}',
      '[1,2,3]',
      '',
      '   ',
    ]),
    context.ending,
  )
}

const VALID_USAGE = '{"input_tokens":5,"output_tokens":5}'

/** Writes one line that must be refused and notes why. */
export function writeRefused(context: SessionContext): void {
  const { random, truth, writer } = context
  const time = new Date(context.clock()).toISOString()
  const session = context.session
  const line = (usage: string, timestamp = `"${time}"`, sessionId = `"${session}"`): string =>
    `{"sessionId":${sessionId},"timestamp":${timestamp},"message":{"id":"msg_01${random.letters(22)}","model":"${context.model}","usage":${usage}}}`
  const whole = line(VALID_USAGE)
  const choices: [string, string][] = [
    ['malformed_json', whole.slice(0, random.between(1, whole.length - 1))],
    ['malformed_json', `${whole},`],
    ['malformed_json', `${whole}${whole}`],
    ['malformed_json', 'not json at all'],
    ['malformed_json', `{"type":"user","message":{"content":"${context.content(300)}`],
    ['invalid_tokens', line('{"input_tokens":5}')],
    ['invalid_tokens', line('{"input_tokens":null,"output_tokens":5}')],
    ['invalid_tokens', line('{"input_tokens":-5,"output_tokens":5}')],
    ['invalid_tokens', line('{"input_tokens":1.5,"output_tokens":5}')],
    ['invalid_tokens', line('{"input_tokens":"5","output_tokens":5}')],
    ['invalid_timestamp', line(VALID_USAGE, '"2026-04-02"')],
    ['invalid_timestamp', line(VALID_USAGE, '1775121303')],
    ['invalid_timestamp', line(VALID_USAGE, '"1969-12-31T23:59:59Z"')],
    ['invalid_timestamp', line(VALID_USAGE, '"2026-02-30T00:00:00Z"')],
    ['token_count_out_of_range', line('{"input_tokens":1000000000001,"output_tokens":5}')],
  ]
  // where the path names the session, the line's own does not matter
  if (context.pathSession === undefined) {
    choices.push(['invalid_session_id', line(VALID_USAGE, undefined, '"../etc/passwd"')])
    choices.push(['invalid_session_id', line(VALID_USAGE, undefined, `"${'s'.repeat(101)}"`)])
  }
  const [reason, text] = random.pick(choices)
  truth.refusal(reason, writer.path, writer.line(text, context.ending))
}

/** Ends the file with a line that is still being written. */
export function writePending(context: SessionContext): void {
  context.writer.line('{"type":"assistant","message":{"id":"msg_01half","usage":{"input_tokens":12', '')
  context.truth.pending(context.writer.path)
}
