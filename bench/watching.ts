// What it costs an answer that it is counted, and traced: processor time of a server for a request, with traces off, of
// every tenth request and of all. `beside`: a folder with another commit, built, which is asked the same. Beside that,
// what one count takes by itself.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { signToken } from '../src/access/tokens.ts'
import { createAnswerFigures } from '../src/observability/figures/answers.ts'
import { benchCorpus } from './analyze.ts'
import { median } from './measure.ts'
import { startBridge, startCollector, untilLine } from './processes.ts'
import { load, type Server, VIEW } from './query.ts'

/** A cached answer takes as long over more. */
const CORPUS_MB = 16
const COUNTS = 5_000_000
const SECRET = 'of all bridges of this benchmark'
const ROUND_SECONDS = 2
/** Until everything is compiled that is asked often. */
const WARM_SECONDS = 2

const QUESTIONS = [
  { question: 'a view, cached', isNew: false, rounds: 4 },
  { question: 'a view, uncached', isNew: true, rounds: 2 },
]

/** By question and arm, microseconds of a server for a request: of each start. */
type Found = Map<string, Map<string, number[]>>

/**
 * `starts`: how well Node has compiled a server differs from one start to the other by as much as what is measured. The
 * order is reversed at every other one, so that nobody is always the last.
 */
export async function benchWatching(starts: number, beside?: string): Promise<void> {
  process.stdout.write(`\nto count an answer takes ${countNs().toFixed(0)} ns\n`)
  const found: Found = new Map()
  let spans = 0
  for (let start = 0; start < starts; start++) spans += await measureOnce(found, start % 2 === 1, beside)
  for (const [question, arms] of found) print(`${question}, medians of ${starts} starts`, arms)
  process.stdout.write(`${spans} spans came to the collector\n`)
}

/** Starts all arms, asks each in turn, and returns how many spans have come. */
async function measureOnce(found: Found, isReversed: boolean, beside: string | undefined): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  const processes: ChildProcess[] = []
  const running = async (process: ChildProcess, pattern: RegExp): Promise<Server> => {
    processes.push(process)
    const url = await untilLine(process, pattern)
    process.stdout?.resume()
    return { process, url }
  }
  const bridge = (name: string, settings: Record<string, string>, program = '.'): Promise<Server> => {
    const log = openSync(join(folder, `${name}.log`), 'w', 0o600)
    return running(startBridge({ ...ofAll(join(folder, name)), ...settings }, log, program), /answers at (http:\S+)\//)
  }
  try {
    const collector = await running(startCollector(), /(http:\S+)/)
    const arms: [name: string, start: () => Promise<Server>][] = [
      ['no traces', () => bridge('off', {})],
      ['traces of a tenth', () => bridge('tenth', traced(collector.url, '0.1'))],
      ['traces of all', () => bridge('all', traced(collector.url, '1'))],
    ]
    if (beside !== undefined) arms.unshift(['beside', () => bridge('beside', {}, beside)])
    const servers: Record<string, Server> = {}
    for (const [name, start] of isReversed ? arms.reverse() : arms) servers[name] = await start()
    for (const one of QUESTIONS) await ask(servers, one, found)
    return ((await (await fetch(collector.url)).json()) as { spans: number }).spans
  } finally {
    for (const child of processes) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  }
}

const ofAll = (dataDir: string): Record<string, string> => ({
  DATA_DIR: dataDir,
  TRANSCRIPTS_DIR: resolve(benchCorpus(CORPUS_MB)),
  LOG_LEVEL: 'info',
  AUTH_JWT_SECRET: SECRET,
  // what an engine does by itself is no part of an answer
  CLICKHOUSE_EMBEDDED: 'off',
})

const traced = (url: string, share: string): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
  OTEL_TRACES_SAMPLER_ARG: share,
})

/** The quickest round of each counts: other work on the machine makes one slower, and none quicker. */
async function ask(
  servers: Record<string, Server>,
  { question, isNew, rounds }: (typeof QUESTIONS)[number],
  found: Found,
): Promise<void> {
  const token = await signToken(Buffer.from(SECRET), { userId: 'bench', roles: ['viewer'] }, 3600)
  const loaded = (server: Server, seconds: number) => load({ server, query: VIEW, isNew }, token, seconds)
  const least = new Map<string, number>()
  for (const server of Object.values(servers)) await loaded(server, WARM_SECONDS)
  for (let round = 0; round < rounds; round++)
    for (const [name, server] of Object.entries(servers)) {
      const { serverUs } = await loaded(server, ROUND_SECONDS)
      least.set(name, Math.min(serverUs, least.get(name) ?? serverUs))
    }
  const arms = found.get(question) ?? new Map<string, number[]>()
  found.set(question, arms)
  for (const [name, us] of least) arms.set(name, [...(arms.get(name) ?? []), us])
}

/** Nanoseconds. */
function countNs(): number {
  const figures = createAnswerFigures()
  const count = (): void => {
    for (let i = 0; i < COUNTS; i++)
      figures.answered({ source: 'HYBRID', reason: 'ROLLOUT', cohort: null, cache: 'HIT' }, (i % 100) / 1e6)
  }
  count()
  const before = process.cpuUsage()
  count()
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1000) / COUNTS
}

function print(title: string, arms: ReadonlyMap<string, number[]>): void {
  process.stdout.write(`\n${title}\n`)
  const none = median(arms.get('no traces') ?? [])
  for (const [name, us] of arms)
    process.stdout.write(
      `  ${name.padEnd(18)} ${median(us).toFixed(0)} µs of the server for a request (${Math.min(...us).toFixed(0)} to ${Math.max(...us).toFixed(0)})  ${(median(us) / none).toFixed(2)} of no traces\n`,
    )
}
