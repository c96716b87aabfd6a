import type { Random } from './random.ts'
import type { Planted, Tokens, TruthBook } from './truth.ts'
import type { TranscriptWriter } from './writer.ts'

/** A line that later files may copy: a fork, a resumed session, a replay in a sub-agent. */
export interface CopyableLine {
  text: string
  /** What it plants; path and offset are those of whoever writes it. */
  planted: { key: string; values: Omit<Planted, 'path' | 'offset'> }[]
}

export interface SessionContext {
  random: Random
  content: (bytes: number) => string
  truth: TruthBook
  writer: TranscriptWriter
  project: string
  /** The session that the rules give to lines of this file that name none. */
  session: string
  /** The session that the path gives, which beats what a line says (sub-agents). */
  pathSession: string | undefined
  model: string
  sidechain: boolean
  /** As lines say it, and as it is counted; `undefined`: they say none. */
  branch: { said: string; counted: string } | undefined
  ending: '\n' | '\r\n'
  /** Advances by some seconds at each call; milliseconds since 1970. */
  clock: () => number
  /** Total tokens that the next response should have. */
  nextTotal: () => number
  /** Where copyable lines are kept for files that come later. */
  remember: (line: CopyableLine) => void
}

/** Splits a total as agents do: almost all of it is read from the cache. */
export function splitTotal(random: Random, total: number): Tokens {
  const output = Math.min(total, 1 + Math.floor(total * 0.012 * random.next()))
  const input = Math.min(total - output, random.between(1, 40))
  const cacheCreation = Math.floor((total - output - input) * 0.1 * random.next())
  return { input, output, cacheCreation, cacheRead: total - output - input - cacheCreation }
}

/** A timestamp in one of the forms of RFC 3339 that all mean the same millisecond. */
export function formatTime(random: Random, time: number): string {
  const iso = new Date(time).toISOString()
  const form = random.between(0, 199)
  if (form === 0) return `${new Date(time + 7_200_000).toISOString().slice(0, -1)}+02:00`
  if (form === 1) return `${new Date(time - 19_800_000).toISOString().slice(0, -1)}-05:30`
  if (form === 2) return `${iso.slice(0, -1)}456789Z`
  return iso
}

/** `usage` as the different versions of the agent wrote it. */
export function usageJson(random: Random, tokens: Tokens, output: number, advisor?: string): string {
  const { input, cacheCreation, cacheRead } = tokens
  const form = random.between(0, 9)
  const longLived = random.chance(0.5) ? cacheCreation : Math.floor(cacheCreation / 3)
  const parts = [`"input_tokens":${random.chance(0.01) ? `${input}.0` : input}`]
  if (form === 0) parts.push(`"cache_creation_input_tokens":${cacheCreation}`)
  else if (form === 1)
    parts.push(
      `"cache_creation_input_tokens":${cacheCreation}`,
      '"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0}',
    )
  else if (form === 2) parts.push('"cache_creation":null', `"cache_creation_input_tokens":${cacheCreation}`)
  else {
    const split = `{"ephemeral_5m_input_tokens":${cacheCreation - longLived},"ephemeral_1h_input_tokens":${longLived}}`
    // with both present the flat count repeats the sum; form 3 has the split alone
    if (form !== 3) parts.push(`"cache_creation_input_tokens":${cacheCreation}`)
    parts.push(`"cache_creation":${split}`)
  }
  parts.push(cacheRead === 0 && form > 4 ? '"cache_read_input_tokens":null' : `"cache_read_input_tokens":${cacheRead}`)
  parts.push(`"output_tokens":${output}`, '"service_tier":"standard"')
  if (advisor !== undefined) parts.push(`"iterations":[{"type":"message"},${advisor}]`)
  return random.chance(0.03) ? `{ ${parts.join(', ')} }` : `{${parts.join(',')}}`
}

/** Writes one response as its streamed copies and plants it. */
export function writeResponse(context: SessionContext, contentBytes: number): void {
  const { random, writer } = context
  const tokens = splitTotal(random, context.nextTotal())
  const kind = random.between(0, 199)
  const id = messageId(random, kind)
  const requestId = kind >= 4 && kind < 10 ? undefined : `req_011C${random.letters(20)}`
  const uuid = uuidOf(random)
  const model = modelOf(random, context.model)
  const synthetic = model === '<synthetic>'
  // what is identified by its line or its timestamp has no further copies
  const copies = kind === 0 || (kind >= 4 && kind < 10) ? 1 : random.pick([1, 2, 2, 3, 3, 4])
  const key = `${writer.path}#${writer.size()}`
  const advisor = kind === 20 ? planAdvisor(context) : undefined
  for (let copy = 1; copy <= copies; copy++) {
    const last = copy === copies
    const output = last ? tokens.output : Math.max(0, Math.floor((tokens.output * (copy - 1)) / copies))
    const time = context.clock()
    const usage = usageJson(random, tokens, output, advisor?.json)
    const text = lineJson(context, {
      id,
      requestId,
      uuid: kind === 0 || kind === 6 ? undefined : uuid,
      model,
      usage,
      time,
      contentBytes,
      last,
      progress: kind >= 30 && kind < 36,
    })
    const sidechain = context.sidechain || (kind >= 30 && kind < 36)
    const values = {
      ...tokens,
      output,
      sidechain,
      time,
      model: model === '' || model === 'null' ? 'unknown' : model,
      session: context.pathSession ?? context.session,
      project: context.project,
      branch: context.branch?.counted ?? '',
    }
    const planted = [{ key, values }]
    if (advisor !== undefined)
      planted.push({ key: `${key}:advisor`, values: { ...values, ...advisor.tokens, model: advisor.model } })
    write(context, { text, planted })
    // a copy elsewhere must keep its identity: those made of session, place or line change with the file
    if (last && id.startsWith('"msg_') && !synthetic) context.remember({ text, planted })
  }
}

/** Writes a line that plants something and notes it in the truth at this place. */
export function write(context: SessionContext, line: CopyableLine): void {
  const offset = context.writer.line(line.text, context.ending)
  for (const { key, values } of line.planted) context.truth.copy(key, { ...values, path: context.writer.path, offset })
}

/** The line as another file repeats it, under that file's session and main or side chain. */
export function writeCopy(context: SessionContext, line: CopyableLine): void {
  const text = context.sidechain ? line.text.replace('"isSidechain":false', '"isSidechain":true') : line.text
  const session = context.pathSession
  write(context, {
    text,
    planted: line.planted.map(({ key, values }) => ({
      key,
      values: {
        ...values,
        project: context.project,
        sidechain: values.sidechain || context.sidechain,
        session: session ?? values.session,
      },
    })),
  })
}

function planAdvisor(context: SessionContext): { json: string; tokens: Tokens; model: string } {
  const tokens = { ...splitTotal(context.random, context.nextTotal()) }
  const usage = usageJson(context.random, tokens, tokens.output)
  const model = 'claude-opus-4-5-20251101'
  return { json: `{"type":"advisor_message","model":"${model}",${usage.slice(1)}`, tokens, model }
}

function messageId(random: Random, kind: number): string {
  if (kind < 4) return random.pick(['null', '""', 'absent'])
  if (kind < 12) return random.pick(['"gen"', '"chatcmpl-1"', '"msg"'])
  if (kind < 16) return `"${random.letters(24)}"`
  return `"msg_01${random.letters(22)}"`
}

function modelOf(random: Random, model: string): string {
  const kind = random.between(0, 399)
  if (kind === 0) return ''
  if (kind === 1) return 'null'
  if (kind === 2) return '<synthetic>'
  return model
}

export function uuidOf(random: Random): string {
  return `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-a${random.hex(3)}-${random.hex(12)}`
}

interface LineParts {
  id: string
  requestId: string | undefined
  uuid: string | undefined
  model: string
  usage: string
  time: number
  contentBytes: number
  last: boolean
  progress: boolean
}

function lineJson(context: SessionContext, parts: LineParts): string {
  const { random } = context
  const body = `{"type":"text","text":"${context.content(parts.last ? parts.contentBytes : 200)}"}`
  const model = parts.model === '' ? '' : parts.model === 'null' ? '"model":null,' : `"model":"${parts.model}",`
  const id = parts.id === 'absent' ? '' : `"id":${parts.id},`
  const message = `{${id}"type":"message","role":"assistant",${model}"content":[${body}],"stop_reason":${parts.last ? '"end_turn"' : 'null'},"usage":${parts.usage}}`
  const time = formatTime(random, parts.time)
  const request = parts.requestId === undefined ? '' : `"requestId":"${parts.requestId}",`
  const uuid = parts.uuid === undefined ? '' : `"uuid":"${parts.uuid}",`
  const branch = context.branch === undefined ? '' : `,"gitBranch":${JSON.stringify(context.branch.said)}`
  const head = `"parentUuid":null,"isSidechain":${context.sidechain},"userType":"external","cwd":"/home/ann/shop","sessionId":"${context.session}","version":"2.1.0"${branch}`
  if (parts.progress)
    return `{${head},"type":"progress","timestamp":"2030-01-01T00:00:00Z","data":{"type":"agent_progress","message":{"type":"assistant","timestamp":"${time}",${request}${uuid}"message":${message}}}}`
  return `{${head},"type":"assistant",${uuid}"timestamp":"${time}",${request}"message":${message}}`
}
