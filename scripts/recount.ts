// Counts transcripts a second time, from the rules of the domain alone: it shares no code with src/, reads each line
// with JSON.parse and takes no short cuts. Ten times as slow, and there to agree: npm run recount -- FOLDER
import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'

interface Copy {
  sidechain: boolean
  total: number
  time: number
  path: Buffer
  offset: number
  input: number
  output: number
  cacheCreation: number
  cacheRead: number
  branch: string
}

interface Recount {
  tokens: { input: string; output: string; cacheCreation: string; cacheRead: string; total: string }
  recordCount: string
  /** Total tokens. */
  byBranch: Record<string, string>
  bySidechain: Record<string, string>
}

// biome-ignore lint/suspicious/noExplicitAny: a line may be anything
type Anything = any

const LIMIT = 1e12

/** `folder` is the agent's folder, or its `projects`. */
export async function recount(folder: string): Promise<Recount> {
  const root = readdirSync(folder).includes('projects') ? join(folder, 'projects') : folder
  const best = new Map<string, Copy>()
  for (const path of transcriptsIn(root)) {
    for await (const { bytes, offset } of linesOf(path)) {
      for (const [identity, copy] of read(bytes, offset, relative(root, path))) {
        const whole = { ...copy, path: Buffer.from(path), offset }
        const known = best.get(identity)
        if (known === undefined || isBefore(whole, known)) best.set(identity, whole)
      }
    }
  }
  const sum = (pick: (copy: Copy) => number, copies: Iterable<Copy> = best.values()): string => {
    let total = 0n
    for (const copy of copies) total += BigInt(pick(copy))
    return String(total)
  }
  const by = (name: (copy: Copy) => string): Record<string, string> =>
    Object.fromEntries(
      [...Map.groupBy(best.values(), name)].map(([value, copies]) => [value, sum((copy) => copy.total, copies)]),
    )
  return {
    tokens: {
      input: sum((copy) => copy.input),
      output: sum((copy) => copy.output),
      cacheCreation: sum((copy) => copy.cacheCreation),
      cacheRead: sum((copy) => copy.cacheRead),
      total: sum((copy) => copy.total),
    },
    recordCount: String(best.size),
    byBranch: by((copy) => copy.branch),
    bySidechain: by((copy) => String(copy.sidechain)),
  }
}

/** Rule 8, among transcripts. */
function isBefore(a: Copy, b: Copy): boolean {
  if (a.sidechain !== b.sidechain) return b.sidechain
  if (a.total !== b.total) return a.total > b.total
  if (a.time !== b.time) return a.time < b.time
  const byPath = Buffer.compare(a.path, b.path)
  return byPath === 0 ? a.offset < b.offset : byPath < 0
}

function transcriptsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return transcriptsIn(path)
    return entry.isFile() && entry.name.endsWith('.jsonl') ? [path] : []
  })
}

async function* linesOf(path: string): AsyncGenerator<{ bytes: Buffer; offset: number }> {
  let parts: Buffer[] = []
  let offset = 0
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const bytes = Buffer.concat([...parts, chunk.subarray(from, end)])
      yield { bytes, offset }
      offset += bytes.length + 1
      parts = []
      from = end + 1
    }
    if (from < chunk.length) parts.push(chunk.subarray(from))
  }
  const bytes = Buffer.concat(parts)
  if (bytes.length > 0) yield { bytes, offset }
}

/** The records of a line, each with its identity. */
function read(bytes: Buffer, offset: number, place: string): [string, Omit<Copy, 'path' | 'offset'>][] {
  let line: Anything
  try {
    // a byte-order mark at the start of a file is dropped, one anywhere else is malformed
    const text = new TextDecoder('utf-8', { ignoreBOM: offset !== 0 }).decode(bytes)
    line = JSON.parse(text)
  } catch {
    return []
  }
  if (typeof line !== 'object' || line === null) return []
  const found: [string, Omit<Copy, 'path' | 'offset'>][] = []
  const count = (envelope: Anything, message: Anything, sidechain: boolean): void => {
    const usage = message?.usage
    if (typeof usage !== 'object' || usage === null || Array.isArray(usage)) return
    const counts = countsOf(usage)
    const time = timeOf(envelope.timestamp)
    const session = sessionOf(line.sessionId, place)
    if (counts === undefined || time === undefined || session === undefined) return
    const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
    const id = text(message.id)
    const request = text(envelope.requestId)
    const uuid = text(envelope.uuid)
    let identity: string
    if (id !== undefined && (id.startsWith('msg_') || id.length >= 16)) identity = JSON.stringify(['id', id])
    else if (id !== undefined && request !== undefined) identity = JSON.stringify(['request', id, request])
    else if (id !== undefined) identity = JSON.stringify(['moment', id, session, time])
    else if (uuid !== undefined) identity = JSON.stringify(['uuid', uuid])
    else identity = JSON.stringify(['line', session, bytes.toString('base64'), offset])
    const branch = branchOf(line.gitBranch)
    found.push([identity, { ...counts, sidechain, time, branch }])
    if (!Array.isArray(usage.iterations)) return
    usage.iterations.forEach((entry: Anything, n: number) => {
      if (entry?.type !== 'advisor_message') return
      const own = countsOf(entry)
      if (own !== undefined) found.push([JSON.stringify(['advisor', identity, n]), { ...own, sidechain, time, branch }])
    })
  }
  if (isPlain(line) && isPlain(line.message)) count(line, line.message, line.isSidechain === true)
  const progress = isPlain(line) && isPlain(line.data) ? line.data.message : undefined
  if (isPlain(progress) && isPlain(progress.message)) count(progress, progress.message, true)
  return found
}

const isPlain = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Rules 1 and 2, and the limits. */
function countsOf(
  usage: Anything,
): Pick<Copy, 'input' | 'output' | 'cacheCreation' | 'cacheRead' | 'total'> | undefined {
  const split = usage.cache_creation ?? {}
  if (!isPlain(split)) return undefined
  const required = [usage.input_tokens, usage.output_tokens]
  const optional = [
    usage.cache_read_input_tokens,
    usage.cache_creation_input_tokens,
    split.ephemeral_5m_input_tokens,
    split.ephemeral_1h_input_tokens,
  ].map((value) => value ?? 0)
  const all = [...required, ...optional]
  if (!all.every((value) => Number.isInteger(value) && value >= 0)) return undefined
  const [input, output, cacheRead, flat, five, hour] = all as [number, number, number, number, number, number]
  const cacheCreation = five + hour > 0 ? five + hour : flat
  if ([input, output, cacheRead, flat, cacheCreation].some((value) => value > LIMIT)) return undefined
  return { input, output, cacheCreation, cacheRead, total: input + output + cacheCreation + cacheRead }
}

/** Rule 4. */
function timeOf(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  const parts = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.exec(value)
  if (parts === null) return undefined
  const [, day, minute, second, fraction = '', zone] = parts as unknown as string[]
  if (new Date(`${day}T00:00:00Z`).toJSON()?.slice(0, 10) !== day) return undefined
  const leap = second === '60'
  const milliseconds = fraction.slice(1, 4).padEnd(3, '0')
  const time = Date.parse(`${day}T${minute}:${leap ? '59' : second}.${milliseconds}${zone?.toUpperCase()}`)
  const whole = leap ? time + 1000 : time
  return whole >= 0 && whole < Date.UTC(2262, 0, 1) ? whole : undefined
}

/** Rule 6. */
function sessionOf(named: unknown, place: string): string | undefined {
  const folders = place.split(sep)
  const at = folders.indexOf('subagents', 1)
  const session =
    at > 0 && at < folders.length - 1
      ? folders[at - 1]
      : ((named === '' ? undefined : named) ?? basename(place, '.jsonl'))
  return typeof session === 'string' && /^[\w-]{1,100}$/.test(session) ? session : undefined
}

/** Rule 6: at most 200 UTF-16 units, of whole characters. */
function branchOf(value: unknown): string {
  let branch = ''
  for (const character of typeof value === 'string' ? value : '') {
    if (branch.length + character.length > 200) break
    branch += /^[\ud800-\udfff]$/.test(character) ? '\ufffd' : character
  }
  return branch
}

if (import.meta.main) {
  const USAGE = `usage: npm run recount -- FOLDER

Counts the transcripts of a folder a second time, by code that shares nothing with the program, and prints JSON.
`
  const [folder, ...more] = process.argv.slice(2)
  if (folder === '--help') process.stdout.write(USAGE)
  else if (folder === undefined || folder.startsWith('-') || more.length > 0) {
    process.stderr.write(USAGE)
    process.exitCode = 2
  } else if (!existsSync(folder)) {
    process.stderr.write(`${folder} is not there\n`)
    process.exitCode = 1
  } else process.stdout.write(`${JSON.stringify(await recount(folder), null, 2)}\n`)
}
