// The worst that one viewer, one ingester and one stranger may do to a real server, and what others notice of it.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { loadMadeSecret } from '../src/access/secret.ts'
import { signToken } from '../src/access/tokens.ts'
import { ask } from '../test/support/graphql-client.ts'
import { startBridge, untilLine } from './processes.ts'
import type { AttackOptions } from './worst-attack.ts'
import { createProbes, PROBE_TIMEOUT_MS } from './worst-probes.ts'
import { SCENARIOS } from './worst-scenarios.ts'

/** The bar: a health check, another viewer's answer, and the memory. */
const MAX_HEALTH_MS = 200
const MAX_ANSWER_MS = 500
const MAX_GROWTH_MB = 100

const RECORDS = 300_000
const FILES = 300
const ATTACK_SECONDS = 6
const ABORT_MS = 20_000
/** What gives memory back gets this long. */
const SETTLE_MS = 10_000

export interface WorstOptions {
  /** Who answers: the files, or ClickHouse after a migration. */
  source: 'legacy' | 'clickhouse'
  /** Only scenarios whose name contains it. */
  only: string | undefined
  full: boolean
}

/** Prints a row for each scenario; the exit code is 1 where the bar does not hold. */
export async function benchWorst({ only, full, source }: WorstOptions): Promise<void> {
  const scenarios = SCENARIOS.filter(({ name }) => only === undefined || name.includes(only))
  const corpus = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  try {
    writeCorpus(corpus)
    process.stdout.write(
      `\nthe worst (${source === 'legacy' ? 'the files answer' : 'ClickHouse answers'}), over ${RECORDS.toLocaleString('en-US')} records: latest health check and latest answer of another viewer in ms, resident memory and heap in MB\n`,
    )
    process.stdout.write(
      `${'scenario'.padEnd(50)} health  answer   before    peak   after   heap before, after  holds  the attacker was answered\n`,
    )
    for (const { name } of scenarios) {
      const row = await measureScenario(name, corpus, full, source)
      process.stdout.write(`${shown(name, row)}\n`)
      if (!holds(row)) process.exitCode = 1
    }
  } finally {
    rmSync(corpus, { recursive: true, force: true })
  }
}

/** Short lines, many sessions, some models: what a table of this many records looks like. */
function writeCorpus(folder: string): void {
  for (let file = 0; file < FILES; file++) {
    const project = join(folder, 'projects', `project-${file % 20}`)
    mkdirSync(project, { recursive: true })
    const lines = Array.from({ length: RECORDS / FILES }, (_, i) => {
      const n = file * (RECORDS / FILES) + i
      return JSON.stringify({
        type: 'assistant',
        sessionId: `session-${file}-${i % 10}`,
        timestamp: new Date(Date.UTC(2026, 3, 1) + n * 60_000).toISOString(),
        message: {
          id: `msg_${String(n).padStart(20, '0')}`,
          model: ['claude-sonnet-4-5-20250929', 'claude-opus-4-5-20251101', 'claude-haiku-4-5-20251001'][file % 3],
          usage: { input_tokens: 4, output_tokens: n % 900, cache_read_input_tokens: (n * 37) % 250_000 },
        },
      })
    })
    writeFileSync(join(project, `session-${file}.jsonl`), `${lines.join('\n')}\n`)
  }
}

interface Row {
  died: boolean
  healthMs: number
  answerMs: number
  /** Of another viewer's questions. */
  wrong: number
  beforeMb: number
  peakMb: number
  afterMb: number
  heapMb: [before: number, after: number]
  answers: Map<string, number>
}

async function measureScenario(
  scenario: string,
  corpus: string,
  full: boolean,
  source: WorstOptions['source'],
): Promise<Row> {
  const dataDir = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  const bridge = startBridge({ DATA_DIR: dataDir, HOME: dataDir, TRANSCRIPTS_DIR: corpus, LOG_LEVEL: 'fatal' })
  try {
    const url = await untilLine(bridge, /answers at (http:\S+)\/graphql/)
    bridge.stdout?.resume()
    const secret = loadMadeSecret(dataDir)
    const token = (userId: string, role: 'viewer' | 'ingester' | 'operator'): Promise<string> =>
      signToken(secret, { userId, roles: [role] }, 3600)
    const probes = createProbes(url, await token('other', 'viewer'))
    const operator = await token('operator', 'operator')
    if (source === 'clickhouse') await migrate(url, operator)
    await probes.warmUp()
    const before = rssOf(bridge)
    const heapBefore = await heapOf(url, operator)
    const peak = watchPeak(bridge)
    probes.start()
    const answers = await attack({
      scenario,
      url,
      tokens: { viewer: await token('attacker', 'viewer'), ingester: await token('attacker', 'ingester') },
      full,
      seconds: ATTACK_SECONDS,
      abortMs: ABORT_MS,
    })
    await probes.settled()
    const until = Date.now() + SETTLE_MS
    while (Date.now() < until && bridge.exitCode === null && rssOf(bridge) > before + MAX_GROWTH_MB / 2)
      await sleep(250)
    probes.stop()
    const row: Row = {
      ...probes.figures(),
      died: bridge.exitCode !== null || bridge.signalCode !== null,
      beforeMb: before,
      peakMb: peak(),
      afterMb: rssOf(bridge),
      heapMb: [heapBefore, await heapOf(url, operator)],
      answers,
    }
    return row
  } finally {
    await stop(bridge)
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Carries everything into ClickHouse: the flags that come with the program then have everybody answered from there. */
async function migrate(url: string, operator: string): Promise<void> {
  await ask(url, operator, 'mutation { startMigration { id } }')
  for (;;) {
    const { migration } = await ask(url, operator, '{ migration { state error } }')
    if (migration.state === 'COMPLETED') return
    if (migration.state === 'FAILED') throw new Error(migration.error)
    await sleep(100)
  }
}

async function attack(options: AttackOptions): Promise<Map<string, number>> {
  const worker = new Worker(new URL('./worst-attack.ts', import.meta.url), { workerData: options })
  let answers = new Map<string, number>()
  worker.on('message', (message: Map<string, number>) => (answers = message))
  worker.on('error', (error) => answers.set(`the attack failed: ${error.message}`, 1))
  const late = setTimeout(() => void worker.terminate(), ABORT_MS + 2000)
  await new Promise((resolve) => worker.on('exit', resolve))
  clearTimeout(late)
  return answers
}

function watchPeak(bridge: ChildProcess): () => number {
  let peak = rssOf(bridge)
  const timer = setInterval(() => (peak = Math.max(peak, rssOf(bridge) || 0)), 50)
  return () => {
    clearInterval(timer)
    return peak
  }
}

/** Resident memory in MB; NaN where the process is gone or the system does not tell. */
function rssOf({ pid }: ChildProcess): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    return Number.NaN
  }
}

async function heapOf(url: string, operator: string): Promise<number> {
  try {
    const response = await fetch(`${url}/metrics`, {
      headers: { authorization: `Bearer ${operator}` },
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    })
    const match = /^nodejs_heap_size_used_bytes (\S+)$/m.exec(await response.text())
    return match === null ? Number.NaN : Number(match[1]) / 2 ** 20
  } catch {
    return Number.NaN
  }
}

async function stop(bridge: ChildProcess): Promise<void> {
  if (bridge.exitCode !== null || bridge.signalCode !== null) return
  const gone = once(bridge, 'exit')
  bridge.kill('SIGTERM')
  const late = setTimeout(() => bridge.kill('SIGKILL'), 5000)
  await gone
  clearTimeout(late)
}

function holds({ died, healthMs, answerMs, wrong, beforeMb, peakMb, afterMb }: Row): boolean {
  const isOnTime = healthMs < MAX_HEALTH_MS && answerMs < MAX_ANSWER_MS && wrong === 0
  return !died && isOnTime && peakMb - beforeMb < MAX_GROWTH_MB && afterMb - beforeMb < MAX_GROWTH_MB
}

function shown(name: string, row: Row): string {
  const numbers = [row.healthMs, row.answerMs, row.beforeMb, row.peakMb, row.afterMb].map((value) =>
    (Number.isNaN(value) ? '?' : value.toFixed(0)).padStart(8),
  )
  const heap = row.heapMb.map((value) => (Number.isNaN(value) ? '?' : value.toFixed(0)).padStart(10)).join('')
  const answers = [...row.answers].toSorted((a, b) => b[1] - a[1]).map(([code, count]) => `${count} ${code}`)
  const verdict = row.died ? 'died' : holds(row) ? 'yes' : 'no'
  const wrong = row.wrong === 0 ? '' : `; ${row.wrong} questions of the other viewer failed`
  return `${name.padEnd(49)}${numbers.join('')}${heap}${verdict.padStart(9)}  ${answers.join(', ') || '-'}${wrong}`
}
