import { fstatSync, readFileSync, readSync, statSync, writeSync } from 'node:fs'
import { parseArgs, styleText } from 'node:util'
import { visible } from '../../domain/plain-text.ts'
import { statusPlaces } from '../../places.ts'
import { STATUS_OPTIONS, type StatusOptions } from './options.ts'
import { claimCounting, endCounting, readStatus, type Status, type StatusFile, statusFile } from './status-file.ts'
import { type Part, statusParts, type Told } from './status-text.ts'

// Whatever is imported here is loaded before each prompt: only what a status line needs.

/** How old a status may be when nothing is known to have changed. */
const FRESH_MS = 30_000
/** Countings do not follow each other more closely. */
const APART_MS = 3000
/** How the program counts for its status lines: `statusline --count`. */
const COUNT = '--count'
/** Bytes of the agent's JSON; it has a few thousand. */
const MAX_BYTES = 1 << 20

/**
 * `token-bridge statusline`: one line about the session that an agent tells of on stdin, from what was counted last.
 * What is new is counted by a process of its own, for the next line. It never fails: an agent shows nothing of a command
 * that does, so what went wrong is the line.
 */
export async function statusline(args: readonly string[]): Promise<void> {
  try {
    if (args[0] === COUNT) return await count(args.slice(1))
    const { parts, stale } = lineOf(readOptions(args))
    const claimed = stale !== undefined && claimCounting(stale.file)
    print(parts)
    if (claimed) await countAside(stale)
  } catch (error) {
    print([{ text: `token-bridge: ${firstLine((error as Error).message)}` }])
  }
}

interface Stale {
  file: StatusFile
  timeZone: string
}

/** `stale`: what should be counted anew. */
function lineOf({ timeZone, limit, file: from }: StatusOptions): { parts: Part[]; stale: Stale | undefined } {
  // dates are of this zone from here on
  if (timeZone !== 'local') process.env.TZ = timeZone
  if (limit !== undefined && !/^(max|[1-9][\d,_]*)$/.test(limit))
    throw new Error(`--limit must be a number of tokens, or max, not "${limit}"`)
  const told = readTold(from)
  const file = statusFile(statusPlaces(), timeZone)
  const status = readStatus(file)
  const now = Date.now()
  return {
    parts: statusParts(told, status, { now, today: dateOf(new Date(now)), limit }),
    stale: isStale(status, told, now) ? { file, timeZone } : undefined,
  }
}

function readOptions(args: readonly string[]): StatusOptions {
  const options = Object.fromEntries(Object.keys(STATUS_OPTIONS).map((name) => [name, { type: 'string' as const }]))
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  if (positionals.length > 1) throw new Error(`statusline takes one file, not ${positionals.length}`)
  return {
    timeZone: (values['time-zone'] as string | undefined) ?? STATUS_OPTIONS['time-zone'].fallback,
    limit: values.limit as string | undefined,
    file: positionals[0] ?? '-',
  }
}

/** On a terminal nobody tells anything. */
function readTold(file: string): Told {
  if (file === '-' && isTerminal(0)) return {}
  const text = file === '-' ? readStdin() : readFileSync(file, 'utf8')
  if (text.length > MAX_BYTES) throw new Error('what the agent told is too long')
  const from = file === '-' ? 'stdin' : file
  let told: unknown
  try {
    told = JSON.parse(text)
  } catch {
    throw new Error(`${from} holds no JSON`)
  }
  if (typeof told !== 'object' || told === null) throw new Error(`${from} holds no JSON object`)
  return told
}

/** Or the null device. Not by `node:tty`, which takes longer to load than a line may. */
function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice()
  } catch {
    return false
  }
}

/** Sleeps between two looks at a stdin that has nothing yet and does not wait, and how often. */
const LOOK_MS = 5
const LOOKS = 200

function readStdin(): string {
  const chunks: Buffer[] = []
  const chunk = Buffer.alloc(1 << 16)
  for (let looks = 0, bytes = 0; looks < LOOKS && bytes <= MAX_BYTES; ) {
    try {
      const read = readSync(0, chunk, 0, chunk.length, null)
      if (read === 0) break
      bytes += read
      chunks.push(Buffer.from(chunk.subarray(0, read)))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      looks++
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS)
    }
  }
  return Buffer.concat(chunks).toString('utf8')
}

function isStale(status: Status | undefined, { transcript_path: transcript }: Told, now: number): boolean {
  if (status === undefined) return true
  const age = now - status.asOf
  if (age < APART_MS && age >= 0) return false
  return age > FRESH_MS || age < 0 || changedSince(transcript, status.asOf)
}

function changedSince(path: unknown, time: number): boolean {
  if (typeof path !== 'string') return false
  try {
    return statSync(path).mtimeMs >= time
  } catch {
    return false
  }
}

/** A process that goes on when this one has ended. */
async function countAside({ file, timeZone }: Stale): Promise<void> {
  const script = process.argv[1]
  if (script === undefined) return
  const { spawn } = await import('node:child_process')
  spawn(process.execPath, [script, 'statusline', COUNT, timeZone], { detached: true, stdio: 'ignore' })
    // a later line tries again
    .on('error', () => endCounting(file))
    .unref()
}

async function count([timeZone = 'local']: readonly string[]): Promise<void> {
  const places = statusPlaces()
  process.env.DATA_DIR = places.dataDir
  const { countStatus } = await import('./count-status.ts')
  await countStatus(statusFile(places, timeZone), timeZone)
}

const two = (number: number): string => String(number).padStart(2, '0')
const dateOf = (date: Date): string => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`

const firstLine = (text: string): string => visible((text.split('\n', 1)[0] as string).slice(0, 160))

/** An agent reads a pipe: `FORCE_COLOR` says that it shows colours all the same. */
function hasColors({ FORCE_COLOR = '', NO_COLOR = '' }: Readonly<Record<string, string | undefined>>): boolean {
  if (FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return NO_COLOR === '' && isTerminal(1)
}

function print(parts: readonly Part[]): void {
  const colors = hasColors(process.env)
  const texts = parts.map(({ text, style }) =>
    style === undefined || !colors ? text : styleText(style, text, { validateStream: false }),
  )
  try {
    // not through process.stdout, which takes longer to be made than a line to be written
    writeSync(1, `${texts.join(' · ')}\n`)
  } catch {
    // nobody reads it any more
  }
}
