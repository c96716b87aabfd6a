import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createContent } from './content.ts'
import { writeChatter, writePending, writeRefused, writeToolResult } from './noise.ts'
import { createRandom, type Random } from './random.ts'
import { type CopyableLine, type SessionContext, uuidOf, writeCopy, writeResponse } from './session.ts'
import { createTruthBook, type Truth } from './truth.ts'
import { openTranscript } from './writer.ts'

export interface CorpusOptions {
  /** Transcripts to write. */
  files: number
  /** Their size together, in MiB; approximate. */
  megabytes: number
  /** Exact number of tokens after deduplication; absent: as many as such sessions have. */
  tokens?: number
  seed: number
  /** Folder that gets `projects/` and `truth.json`. */
  out: string
  onFile?: (done: number, files: number) => void
}

const PROJECTS = ['-home-ann-shop', '-home-ann-bridge', '-srv-data-pipeline', '-home-ann-größe', '-home-ann-notes']
const MODELS = [
  'claude-sonnet-4-5-20250929',
  'claude-opus-4-5-20251101',
  'claude-haiku-4-5-20251001',
  'claude-sonnet-4-20250514',
]
/** The last two are longer than 200 characters; of the last one, the 200th is half of an emoji. */
const BRANCHES = [
  { said: 'main', counted: 'main' },
  { said: 'feature/größe', counted: 'feature/größe' },
  { said: 'HEAD', counted: 'HEAD' },
  { said: '', counted: '' },
  undefined,
  { said: 'x'.repeat(1200), counted: 'x'.repeat(200) },
  { said: `${'y'.repeat(199)}😀`, counted: 'y'.repeat(199) },
]
const FIRST_DAY = Date.UTC(2026, 3, 1)
const DAYS = 200
const BYTES_PER_RESPONSE = 11_000
const MEAN_TOTAL = 55_000
const MIN_TOTAL = 16

/** Writes a deterministic corpus and, beside it, the truth that it planted (`truth.json`). */
export function generateCorpus(options: CorpusOptions): Truth {
  const out = resolve(options.out)
  const random = createRandom(options.seed)
  const content = createContent(random)
  const truth = createTruthBook()
  const recent: CopyableLine[] = []
  const sessions: { project: string; session: string }[] = []
  const plan = planFiles(random, options)
  const totals = createTotals(
    random,
    options.tokens,
    plan.reduce((n, file) => n + file.responses, 0),
  )
  let bytes = 0
  plan.forEach((file, index) => {
    const place = placeFile(random, join(out, 'projects'), sessions)
    const writer = openTranscript(place.path, random.chance(0.05))
    let time = FIRST_DAY + random.between(0, DAYS * 86_400) * 1000 + random.between(0, 999)
    const context: SessionContext = {
      random,
      content,
      truth,
      writer,
      project: place.project,
      session: place.session,
      pathSession: place.pathSession,
      model: random.pick(MODELS),
      sidechain: place.sidechain,
      branch: random.pick(BRANCHES),
      ending: random.chance(0.05) ? '\r\n' : '\n',
      clock: () => {
        time += random.between(400, 20_000)
        return time
      },
      nextTotal: totals.next,
      remember(line) {
        recent.push(line)
        if (recent.length > 600) recent.splice(0, 300)
      },
    }
    if (recent.length > 0 && (place.sidechain || random.chance(0.3)))
      for (let n = random.between(5, 60); n > 0; n--) writeCopy(context, random.pick(recent))
    writeFile(context, file, index === plan.length - 1 ? totals.rest : totals.next)
    if (random.chance(0.04)) writePending(context)
    writer.close()
    bytes += writer.size()
    options.onFile?.(index + 1, plan.length)
  })
  const result = truth.write(options.seed, options.files, bytes)
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'truth.json'), `${JSON.stringify(result, null, 1)}\n`)
  return result
}

interface FilePlan {
  bytes: number
  responses: number
}

function planFiles(random: Random, options: CorpusOptions): FilePlan[] {
  const weights = Array.from({ length: options.files }, () => 0.2 + random.next() ** 3 * 5)
  const whole = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => {
    const bytes = Math.floor((weight / whole) * options.megabytes * 1024 * 1024)
    return { bytes, responses: Math.max(1, Math.round(bytes / BYTES_PER_RESPONSE)) }
  })
}

interface Totals {
  next(): number
  /** All that is left: for the last response of the corpus. */
  rest(): number
}

/** About one response in 200 asks an advisor, who is a response of his own. */
const ADVISOR_SHARE = 0.01

/** Totals that add up to exactly `tokens`. */
function createTotals(random: Random, tokens: number | undefined, responses: number): Totals {
  const natural = (): number => random.between(MIN_TOTAL, 2 * MEAN_TOTAL)
  if (tokens === undefined) return { next: natural, rest: natural }
  let missing = Math.ceil(responses * (1 + ADVISOR_SHARE)) + 10
  if (tokens < missing * MIN_TOTAL)
    throw new RangeError(`--tokens must be at least ${missing * MIN_TOTAL} for a corpus of this size, not ${tokens}`)
  let left = tokens
  return {
    next() {
      missing = Math.max(1, missing - 1)
      const room = left - missing * MIN_TOTAL
      const wanted = Math.floor((left / (missing + 1)) * (0.5 + random.next()))
      const total = Math.max(0, Math.min(room, Math.max(MIN_TOTAL, wanted)))
      left -= total
      return total
    },
    rest() {
      const rest = left
      left = 0
      return rest
    },
  }
}

interface Place {
  path: string
  project: string
  session: string
  pathSession: string | undefined
  sidechain: boolean
}

function placeFile(random: Random, projects: string, sessions: { project: string; session: string }[]): Place {
  const kind = random.between(0, 99)
  const parent = sessions.length > 0 && kind < 20 ? random.pick(sessions) : undefined
  if (parent !== undefined) {
    const name = `agent-${random.hex(8)}.jsonl`
    return kind < 12
      ? {
          ...parent,
          path: join(projects, parent.project, parent.session, 'subagents', name),
          pathSession: parent.session,
          sidechain: true,
        }
      : { ...parent, path: join(projects, parent.project, name), pathSession: undefined, sidechain: true }
  }
  const place = { project: random.pick(PROJECTS), session: uuidOf(random) }
  sessions.push(place)
  return {
    ...place,
    path: join(projects, place.project, `${place.session}.jsonl`),
    pathSession: undefined,
    sidechain: false,
  }
}

function writeFile(context: SessionContext, plan: FilePlan, lastTotal: () => number): void {
  const { random, writer } = context
  for (let response = 0; response < plan.responses; response++) {
    const share = (plan.bytes - writer.size()) / (plan.responses - response)
    const spread = random.chance(0.02) ? random.between(5, 30) : random.next() * 1.4
    const result = Math.min(Math.max(200, (share - 4500) * spread), Math.max(200, plan.bytes - writer.size()))
    writeToolResult(context, result)
    if (random.chance(0.1)) writeChatter(context)
    if (random.chance(0.005)) writeRefused(context)
    if (response === plan.responses - 1) context.nextTotal = lastTotal
    writeResponse(context, random.between(100, 3000))
  }
}
