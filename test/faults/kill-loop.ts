import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRandom, type Random } from '../../corpus/random.ts'
import { loadJwtSecret } from '../../src/access/secret.ts'
import { signToken } from '../../src/access/tokens.ts'
import { post } from '../support/graphql-client.ts'
import { RUNS, SHIPPING } from './moments.ts'

/**
 * Kills a real server again and again while it migrates, ships and ingests, and judges what it says after each
 * restart. The judge knows only what it planted in the transcripts and what was acknowledged to it; it shares
 * no code with the counter.
 */
export interface KillLoopOptions {
  kills: number
  seed: number
  /** A step that is broken on purpose (`preload.ts`). */
  broken?: string
  /** The one moment (`NAME:before|after:N`) to kill at, waited for however long that takes; else moments are drawn. */
  at?: string
  /** Whether each life begins with everything carried: what breaks a rollback shows only where there is something. */
  carried?: boolean
  /** Whether runs are paused, resumed, verified and rolled back meanwhile; a rollback mends what was lost before it. */
  operated?: boolean
  onKill?: (kill: number, moment: string) => void
}

export interface KillLoopReport {
  kills: number
  /** Moments at which it was killed, and how often. */
  moments: Record<string, number>
  acknowledged: number
  /** What differed from what was planted and acknowledged; nothing, if all is well. */
  differences: string[]
}

const BIN = fileURLToPath(new URL('../../bin/token-bridge.js', import.meta.url))
const PRELOAD = new URL('./preload.ts', import.meta.url).href
const LONGEST_LIFE_MS = 1500
const START_MS = 120_000
const FINISH_MS = 180_000
const SEEN_MS = 90_000

interface Planted {
  tokens: bigint
  records: bigint
}

export async function runKillLoop({
  kills,
  seed,
  broken,
  at,
  carried = false,
  operated = true,
  onKill,
}: KillLoopOptions): Promise<KillLoopReport> {
  const random = createRandom(seed)
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-kill-'))
  const world = createWorld(folder, random, operated)
  const moments: Record<string, number> = {}
  const differences: string[] = []
  world.plant(3, 400)
  let server: Server | undefined
  try {
    for (let kill = 0; kill < kills; kill++) {
      const planted = at ?? drawMoment(random, operated)
      server = await startServer(folder, planted === 'random' ? {} : { KILL_AT: planted }, broken)
      if (server !== undefined) {
        differences.push(...(await world.judge(server, 'LEGACY', `restart ${kill}`)))
        if (carried) await world.finish(server)
        await world.live(server, at === undefined ? random.between(50, LONGEST_LIFE_MS) : FINISH_MS)
        await server.kill()
      }
      moments[planted] = (moments[planted] ?? 0) + 1
      onKill?.(kill + 1, planted)
      world.plant(1, random.between(1, 50))
    }
    server = await startServer(folder, {}, broken)
    if (server === undefined) throw new Error('the server does not start any more')
    await world.finish(server)
    for (const source of ['LEGACY', 'CLICKHOUSE']) differences.push(...(await world.judge(server, source, 'end')))
    if (!server.isAlive()) throw new Error('the server ended by itself')
    await server.kill()
    return { kills, moments, acknowledged: world.acknowledged(), differences }
  } finally {
    await server?.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A planted moment; what is not reached in time is killed at random. */
const drawMoment = (random: Random, operated: boolean): string =>
  random.chance(0.7)
    ? `${random.pick(operated ? [...SHIPPING, ...RUNS] : SHIPPING)}:${random.pick(['before', 'after'])}:${random.between(1, 3)}`
    : 'random'

interface Server {
  ask(query: string, variables?: object): Promise<Answer | undefined>
  isAlive(): boolean
  kill(): Promise<void>
}
interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: answers have the shape that each question asks for
  data?: any
  errors?: { message: string; extensions: { code: string } }[]
}

/** A server that answers; `undefined` where it was killed before it did. */
async function startServer(
  folder: string,
  more: Record<string, string>,
  broken: string | undefined,
): Promise<Server | undefined> {
  const data = join(folder, 'data')
  rmSync(join(data, 'server.json'), { force: true })
  const child = spawn(process.execPath, [BIN, 'serve'], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      DATA_DIR: data,
      TRANSCRIPTS_DIR: join(folder, 'projects'),
      PORT: '0',
      LOG_LEVEL: 'warn',
      RESCAN_INTERVAL_MS: '300',
      SCAN_THREADS: '0',
      NODE_OPTIONS: `--import=${PRELOAD}`,
      ...(broken === undefined ? {} : { BREAK: broken }),
      ...more,
    },
    // what a broken step logs is expected
    stdio: ['ignore', 'pipe', broken === undefined ? 'inherit' : 'ignore'],
  })
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const url = await readUrl(child, join(data, 'server.json'))
  if (url === undefined) {
    await ended
    return undefined
  }
  const token = await signToken(
    loadJwtSecret(undefined, data),
    { userId: 'judge', roles: ['viewer', 'ingester', 'operator'] },
    600,
  )
  return {
    isAlive: () => child.exitCode === null && child.signalCode === null,
    async ask(query, variables = {}) {
      try {
        return (await post(url, token, { query, variables })) as Answer
      } catch {
        // it was killed
        return undefined
      }
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** The address once questions are answered; `undefined` where the process ended before. */
async function readUrl(child: ChildProcess, path: string): Promise<string | undefined> {
  let ready = false
  child.stdout?.on('data', (chunk) => {
    if (String(chunk).includes('curl ')) ready = true
  })
  const deadline = Date.now() + START_MS
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) return undefined
    if (ready && existsSync(path)) return (JSON.parse(readFileSync(path, 'utf8')) as { url: string }).url
    await sleep(5)
  }
  child.kill('SIGKILL')
  throw new Error('the server did not start in time')
}

function createWorld(folder: string, random: Random, operated: boolean) {
  const inFiles: Planted = { tokens: 0n, records: 0n }
  const acknowledged: Planted = { tokens: 0n, records: 0n }
  /** Calls without an answer: they may or may not have been accepted. */
  const open = new Map<string, { records: object[]; tokens: bigint }>()
  let files = 0
  let ids = 0
  let calls = 0
  mkdirSync(join(folder, 'projects', 'p'), { recursive: true })

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
    open.set(`call-${calls++}`, { records, tokens })
  }

  const send = async (server: Server, key: string): Promise<void> => {
    const call = open.get(key)
    if (call === undefined) return
    const answer = await server.ask(
      'mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted } }',
      { input: { idempotencyKey: key, records: call.records } },
    )
    if (answer?.data?.ingestTokenRecords?.accepted !== call.records.length) return
    open.delete(key)
    acknowledged.tokens += call.tokens
    acknowledged.records += BigInt(call.records.length)
  }

  /** What an operator may do to a run at any moment. */
  const operate = async (server: Server): Promise<void> => {
    const id = (await server.ask('{ migration { id } }'))?.data?.migration?.id
    const change = random.pick(['pause', 'resume', 'verify', 'rollback', 'rollback'])
    if (id !== undefined) await server.ask(`mutation { ${change}Migration(id: "${id}") { state } }`)
    if (change !== 'pause') await server.ask('mutation { startMigration { id } }')
  }

  return {
    acknowledged: () => Number(acknowledged.records),

    /** Writes new transcripts: records in several copies, within a file and across files. */
    plant(newFiles: number, records: number): void {
      for (let f = 0; f < newFiles; f++) {
        const lines: string[] = []
        for (let r = 0; r < records; r++) {
          const id = `msg_planted_${ids++}`
          const output = random.between(1, 100_000)
          for (let copy = random.between(1, 3); copy > 0; copy--) {
            const seen = copy === 1 ? output : random.between(0, output - 1)
            lines.splice(random.between(0, lines.length), 0, lineOf(id, seen))
          }
          inFiles.tokens += BigInt(output) + 3n
          inFiles.records++
        }
        // now and then a file grows instead
        if (files === 0 || random.chance(0.5)) files++
        appendFileSync(join(folder, 'projects', 'p', `${String(files).padStart(4, '0')}.jsonl`), text(lines))
      }
    },

    /** Uses the server for a while, or until it is killed. */
    async live(server: Server, ms: number): Promise<void> {
      const until = Date.now() + ms
      await server.ask('mutation { startMigration { id } }')
      while (Date.now() < until && server.isAlive()) {
        if (operated && random.chance(0.15)) await operate(server)
        nextCall()
        await Promise.all([...open.keys()].slice(0, 5).map((key) => send(server, key)))
      }
    },

    /** Sends again what had no answer, and waits until everything is in ClickHouse. */
    async finish(server: Server): Promise<void> {
      for (const key of [...open.keys()]) await send(server, key)
      if (!server.isAlive()) return
      if (open.size > 0) throw new Error(`${open.size} calls were never acknowledged`)
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
        if (state === 'FAILED' && ++failures > 2)
          throw new Error(`the migration fails: ${answer?.data.migration.error}`)
        if (['FAILED', 'ROLLED_BACK', undefined].includes(state)) await server.ask('mutation { startMigration { id } }')
        const id = answer?.data?.migration?.id
        if (state === 'PAUSED') await server.ask(`mutation { resumeMigration(id: "${id}") { id } }`)
        const { provenance, quality } = answer?.data?.tokenMetrics ?? {}
        if (state === 'COMPLETED' && provenance?.source === 'CLICKHOUSE' && quality?.unshippedBytes === '0') return
        await sleep(50)
      }
      throw new Error(`ClickHouse did not get everything in time: ${last}`)
    },

    /** What differs from what was planted and acknowledged. Calls without an answer may have been accepted or not. */
    async judge(server: Server, source: string, when: string): Promise<string[]> {
      const deadline = Date.now() + SEEN_MS
      for (;;) {
        const answer = await server.ask(
          `{ tokenMetrics(preference: ${source}) { tokens { total } recordCount provenance { source cache } } }`,
        )
        const metrics = answer?.data?.tokenMetrics
        if (metrics === undefined) return []
        const unsure = [...open.values()]
        const least = inFiles.tokens + acknowledged.tokens
        const most = least + unsure.reduce((sum, { tokens }) => sum + tokens, 0n)
        const total = BigInt(metrics.tokens.total)
        if (metrics.provenance.source === source && total >= least && total <= most) return []
        // files that were just written may not have been looked at
        if (Date.now() > deadline)
          return [
            `${when}: ${total} tokens from ${metrics.provenance.source}, planted and acknowledged ${least} to ${most}`,
          ]
        await sleep(50)
      }
    },
  }
}

const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')

const lineOf = (id: string, output: number): string =>
  JSON.stringify({
    type: 'assistant',
    sessionId: 's1',
    timestamp: '2026-04-02T09:15:03.120Z',
    message: { id, role: 'assistant', model: 'm', usage: { input_tokens: 3, output_tokens: output } },
  })

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
