import { appendFileSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../corpus/random.ts'
import {
  type Bounds,
  type ByProject,
  type Counted,
  differencesIn,
  minus,
  NOTHING,
  plus,
  questionOf,
  type Told,
  toldIn,
} from './judge.ts'
import type { Server } from './server-process.ts'

/** Milliseconds in which everything is in ClickHouse, once nobody kills any more. */
export const FINISH_MS = 180_000
const SEEN_MS = 90_000

/** Who is asked. */
export type Asked = Pick<Server, 'ask' | 'isAlive'>

/** What there is at a moment. */
export interface Moment {
  /** In transcripts that stay. */
  files: Counted
  /** In transcripts that are pruned at some time, and what of it was pruned by then: ClickHouse had it. */
  prunable: Counted
  pruned: Counted
  acknowledged: Counted
  /** In calls without an answer: they may or may not have been accepted. */
  open: Counted
}

/**
 * What may be told from `source` of what was there `before` a question and `after` its answer. `seen` is what was told
 * of transcripts before, which may take a while to be looked at; without it all of them were.
 */
export function boundsOf(before: Moment, after: Moment, source: string, seen?: Counted): ByProject<Bounds> {
  const onDisk = minus(after.prunable, after.pruned)
  const prunable = (): Bounds => {
    if (source !== 'LEGACY') return { least: seen ? before.pruned : after.prunable, most: after.prunable }
    return seen ? { least: NOTHING, most: after.prunable } : { least: onDisk, most: onDisk }
  }
  return {
    p: { least: seen ?? before.files, most: after.files },
    gone: prunable(),
    q: { least: before.acknowledged, most: plus(after.acknowledged, after.open) },
  }
}

export type World = ReturnType<typeof createWorld>

/** What is planted and acknowledged, and what a server must therefore say. */
export function createWorld(folder: string, random: Random) {
  const transcripts = createTranscripts(folder, random)
  const calls = createCalls(random)
  const moment = (): Moment => ({ ...transcripts.planted(), ...calls.sent() })

  return {
    ...transcripts,
    moment,
    acknowledged: () => Number(calls.sent().acknowledged.records),
    notAcknowledged: calls.notAcknowledged,
    send: calls.send,

    /** Sends again what had no answer, and waits until everything is in ClickHouse. */
    async finish(server: Asked): Promise<void> {
      const deadline = Date.now() + FINISH_MS
      for (await calls.sendOpen(server); calls.sent().open.records > 0n; await calls.sendOpen(server)) {
        if (!server.isAlive()) return
        if (Date.now() > deadline) throw new Error('calls were never acknowledged')
      }
      await untilPublished(server)
    },

    /** What differs from what was planted and acknowledged, once it was looked at. */
    async judge(server: Asked, source: string, when: string, withinMs = SEEN_MS): Promise<string[]> {
      const deadline = Date.now() + withinMs
      for (;;) {
        const before = moment()
        const told = toldIn(await server.ask(questionOf(source)))
        if (told === undefined && !server.isAlive()) return []
        const found = told === undefined ? ['no answer'] : differenceFrom(source, told, before, moment())
        if (found.length === 0) return []
        // files that were just written may not have been looked at
        if (Date.now() > deadline) return found.map((difference) => `${when}: ${difference}`)
        await sleep(50)
      }
    },
  }
}

function differenceFrom(source: string, told: Told, before: Moment, after: Moment): string[] {
  if (told.source !== source) return [`an answer from ${told.source} instead of ${source}`]
  if (told.stale) return [`a stale answer from ${source}`]
  return differencesIn(told, boundsOf(before, after, source))
}

/** Waits until a run is COMPLETED and nothing is left to ship. */
async function untilPublished(server: Asked): Promise<void> {
  let failures = 0
  let last = ''
  const deadline = Date.now() + FINISH_MS
  while (Date.now() < deadline) {
    if (!server.isAlive()) return
    const answer = await server.ask(
      '{ migration { id state error } tokenMetrics { provenance { source } quality { unshippedBytes } } }',
    )
    last = JSON.stringify(answer)
    const state = answer?.data?.migration?.state
    if (state === 'FAILED' && ++failures > 2) throw new Error(`the migration fails: ${answer?.data.migration.error}`)
    if (['FAILED', 'ROLLED_BACK', undefined].includes(state)) await server.ask('mutation { startMigration { id } }')
    const id = answer?.data?.migration?.id
    if (state === 'PAUSED') await server.ask(`mutation { resumeMigration(id: "${id}") { id } }`)
    const { provenance, quality } = answer?.data?.tokenMetrics ?? {}
    if (state === 'COMPLETED' && provenance?.source === 'CLICKHOUSE' && quality?.unshippedBytes === '0') return
    await sleep(50)
  }
  const health = await server.ask('{ health { components { name state detail } } }')
  throw new Error(`ClickHouse did not get everything in time: ${last}, ${JSON.stringify(health?.data)}`)
}

/** Transcripts that are planted, grow, are renamed and pruned. */
function createTranscripts(folder: string, random: Random) {
  const pathOf = (project: string, name: string): string => join(folder, 'projects', project, name)
  const names: string[] = []
  const prunableNames: string[] = []
  let [files, prunable, pruned] = [NOTHING, NOTHING, NOTHING]
  let ids = 0
  let named = 0
  for (const project of ['p', 'gone']) mkdirSync(join(folder, 'projects', project), { recursive: true })

  /** Records in several copies, in any order. */
  const makeLines = (records: number): { lines: string[]; counted: Counted } => {
    const lines: string[] = []
    let counted = NOTHING
    for (let r = 0; r < records; r++) {
      const id = `msg_planted_${ids++}`
      const output = random.between(1, 100_000)
      for (let copy = random.between(1, 3); copy > 0; copy--) {
        const seen = copy === 1 ? output : random.between(0, output - 1)
        lines.splice(random.between(0, lines.length), 0, lineOf(id, seen))
      }
      counted = plus(counted, { tokens: BigInt(output) + 3n, records: 1n })
    }
    return { lines, counted }
  }
  const nextName = (): string => `${String(++named).padStart(4, '0')}.jsonl`

  return {
    planted: () => ({ files, prunable, pruned }),

    /** Writes new transcripts; now and then one grows instead. */
    plant(newFiles: number, records: number): void {
      for (let f = 0; f < newFiles; f++) {
        const { lines, counted } = makeLines(records)
        files = plus(files, counted)
        if (names.length === 0 || random.chance(0.5)) names.push(nextName())
        appendFileSync(pathOf('p', names.at(-1) as string), text(lines))
      }
    },
    rename(): void {
      const i = random.between(0, names.length - 1)
      const [name, next] = [names[i], nextName()]
      if (name === undefined) return
      renameSync(pathOf('p', name), pathOf('p', next))
      names[i] = next
    },
    /** Writes a transcript that may be pruned once ClickHouse has all of it. */
    plantPrunable(records: number): void {
      const { lines, counted } = makeLines(records)
      prunable = plus(prunable, counted)
      const name = nextName()
      prunableNames.push(name)
      appendFileSync(pathOf('gone', name), text(lines))
    },
    /** Removes what may be pruned. */
    prune(): void {
      pruned = prunable
      for (const name of prunableNames.splice(0)) rmSync(pathOf('gone', name))
    },
  }
}

const MUTATION = 'mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted } }'

interface Call {
  records: { messageId?: string }[]
  counted: Counted
}

/** Records that come in by mutation. */
function createCalls(random: Random) {
  /** Calls without an answer. */
  const open = new Map<string, Call>()
  let acknowledged = NOTHING
  const notAcknowledged: Record<string, number> = {}
  let made = 0
  let ids = 0

  const nextCall = (): void => {
    const records = Array.from({ length: random.between(1, 30) }, () => ({
      sessionId: `s${random.between(1, 5)}`,
      project: 'q',
      model: 'm',
      occurredAt: '2026-04-02T09:15:03Z',
      tokens: { input: String(random.between(0, 1_000_000)), output: '1' },
      ...(random.chance(0.5) ? { messageId: `msg_ingested_${ids++}` } : {}),
    }))
    const tokens = records.reduce((sum, record) => sum + BigInt(record.tokens.input) + 1n, 0n)
    open.set(`call-${made++}`, { records, counted: { tokens, records: BigInt(records.length) } })
  }
  const send = async (server: Asked, key: string): Promise<void> => {
    const call = open.get(key)
    if (call === undefined) return
    const answer = await server.ask(MUTATION, { input: { idempotencyKey: key, records: call.records } })
    if (answer?.data?.ingestTokenRecords?.accepted !== call.records.length) {
      const why = answer?.errors?.[0]?.extensions.code ?? 'no answer'
      notAcknowledged[why] = (notAcknowledged[why] ?? 0) + 1
      return
    }
    // another server may have been told of it meanwhile
    if (!open.delete(key)) return
    acknowledged = plus(acknowledged, call.counted)
    if (random.chance(0.3)) await steal(server, call)
  }
  /** Another user sends the same messages with larger figures, after they were acknowledged: none of it counts. */
  const steal = async (server: Asked, { records }: Call): Promise<void> => {
    const stolen = records
      .filter(({ messageId }) => messageId !== undefined)
      .map((record) => ({ ...record, user: 'mallory', tokens: { input: '9000000', output: '1' } }))
    if (stolen.length > 0) await server.ask(MUTATION, { input: { records: stolen } })
  }
  return {
    sent: () => ({ acknowledged, open: [...open.values()].reduce((sum, { counted }) => plus(sum, counted), NOTHING) }),
    /** How often a call was sent and not acknowledged, by why; it is sent again until it is. */
    notAcknowledged: (): Record<string, number> => ({ ...notAcknowledged }),
    /** Sends something new, and some of what had no answer. */
    async send(server: Asked): Promise<void> {
      nextCall()
      await Promise.all([...open.keys()].slice(0, 5).map((key) => send(server, key)))
    },
    async sendOpen(server: Asked): Promise<void> {
      for (const key of [...open.keys()]) await send(server, key)
    },
  }
}

/** What an operator may do to a run at any moment. */
export async function operate(server: Asked, random: Random): Promise<void> {
  const id = (await server.ask('{ migration { id } }'))?.data?.migration?.id
  const change = random.pick(['pause', 'resume', 'verify', 'rollback', 'rollback'])
  if (id !== undefined) await server.ask(`mutation { ${change}Migration(id: "${id}") { state } }`)
  if (change !== 'pause') await server.ask('mutation { startMigration { id } }')
}

const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')

const lineOf = (id: string, output: number): string =>
  JSON.stringify({
    type: 'assistant',
    sessionId: 's1',
    timestamp: '2026-04-02T09:15:03.120Z',
    message: { id, role: 'assistant', model: 'm', usage: { input_tokens: 3, output_tokens: output } },
  })
