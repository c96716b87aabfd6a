// The worst that one viewer, one ingester and one stranger may do to a real server, and what others notice of it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadMadeSecret } from '../src/access/secret.ts'
import { signToken } from '../src/access/tokens.ts'
import { ask } from '../test/support/graphql-client.ts'
import { startBare, startBridge, untilLine } from './processes.ts'
import { type Noticed, stop, underAttack } from './worst-measure.ts'
import { PROBE_TIMEOUT_MS } from './worst-probes.ts'
import { SCENARIOS } from './worst-scenarios.ts'

/** The bar: a health check, another viewer's answer, and the memory. */
const MAX_HEALTH_MS = 200
const MAX_ANSWER_MS = 500
const MAX_GROWTH_MB = 100

const RECORDS = 300_000
const FILES = 300

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
      `\nthe worst (${source === 'legacy' ? 'the files answer' : 'ClickHouse answers'}), over ${RECORDS.toLocaleString('en-US')} records: latest health check and latest answer of another viewer in ms, resident memory and heap in MB; the floor is the same attack on node:http alone, just before; cpu is the time of the processor in ms\n`,
    )
    process.stdout.write(
      `${'scenario'.padEnd(50)} health  answer   before    peak   after   heap before, after  floor: health, answer, growth   cpu, floor  holds  the attacker was answered\n`,
    )
    for (const { name } of scenarios) {
      const floor = await measureFloor(name, full)
      const row = await measureScenario(name, corpus, full, source)
      process.stdout.write(`${shown(name, row, floor)}\n`)
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

interface Row extends Noticed {
  heapMb: [before: number, after: number]
}

async function measureFloor(scenario: string, full: boolean): Promise<Noticed> {
  const server = startBare()
  try {
    const url = await untilLine(server, /(http:\S+)/)
    server.stdout?.resume()
    const tokens = { viewer: 'any', ingester: 'any' }
    return await underAttack({ server, scenario, url, tokens, full, token: 'any', growthMb: Number.POSITIVE_INFINITY })
  } finally {
    await stop(server)
  }
}

async function measureScenario(
  scenario: string,
  corpus: string,
  full: boolean,
  source: WorstOptions['source'],
): Promise<Row> {
  const dataDir = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  const server = startBridge({ DATA_DIR: dataDir, HOME: dataDir, TRANSCRIPTS_DIR: corpus, LOG_LEVEL: 'fatal' })
  try {
    const url = await untilLine(server, /answers at (http:\S+)\/graphql/)
    server.stdout?.resume()
    const secret = loadMadeSecret(dataDir)
    const token = (userId: string, role: 'viewer' | 'ingester' | 'operator'): Promise<string> =>
      signToken(secret, { userId, roles: [role] }, 3600)
    const operator = await token('operator', 'operator')
    if (source === 'clickhouse') await migrate(url, operator)
    let heapBefore = Number.NaN
    const noticed = await underAttack({
      server,
      scenario,
      url,
      tokens: { viewer: await token('attacker', 'viewer'), ingester: await token('attacker', 'ingester') },
      full,
      token: await token('other', 'viewer'),
      growthMb: MAX_GROWTH_MB / 2,
      onWarm: async () => {
        heapBefore = await heapOf(url, operator)
      },
    })
    return { ...noticed, heapMb: [heapBefore, await heapOf(url, operator)] }
  } finally {
    await stop(server)
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

function holds({ died, healthMs, answerMs, wrong, beforeMb, peakMb, afterMb }: Row): boolean {
  const isOnTime = healthMs < MAX_HEALTH_MS && answerMs < MAX_ANSWER_MS && wrong === 0
  return !died && isOnTime && peakMb - beforeMb < MAX_GROWTH_MB && afterMb - beforeMb < MAX_GROWTH_MB
}

function shown(name: string, row: Row, floor: Noticed): string {
  const numbers = [row.healthMs, row.answerMs, row.beforeMb, row.peakMb, row.afterMb].map((value) =>
    (Number.isNaN(value) ? '?' : value.toFixed(0)).padStart(8),
  )
  const heap = row.heapMb.map((value) => (Number.isNaN(value) ? '?' : value.toFixed(0)).padStart(10)).join('')
  const least = [floor.healthMs, floor.answerMs, floor.peakMb - floor.beforeMb]
  const beside = least
    .map((value) => value.toFixed(0).padStart(8))
    .join('')
    .padStart(31)
  const cpu = [row.cpuMs, floor.cpuMs].map((value) => value.toFixed(0).padStart(6)).join('')
  const answers = [...row.answers].toSorted((a, b) => b[1] - a[1]).map(([code, count]) => `${count} ${code}`)
  const verdict = row.died ? 'died' : holds(row) ? 'yes' : 'no'
  const wrong = row.wrong === 0 ? '' : `; ${row.wrong} questions of the other viewer failed`
  return `${name.padEnd(49)}${numbers.join('')}${heap}${beside}${cpu}${verdict.padStart(7)}  ${answers.join(', ') || '-'}${wrong}`
}
