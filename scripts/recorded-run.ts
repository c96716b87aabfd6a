// npm run recorded-run: the way of a history from the files into ClickHouse, with everything real: the program, Redis
// where it is given, Unleash and its PostgreSQL. Every answer on the way is compared with what was planted. Exit
// code 1 where one differs.
import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateCorpus } from '../corpus/generate.ts'
import type { Truth, TruthGroup } from '../corpus/truth.ts'
import { count } from '../src/domain/counted.ts'
import { ask } from '../test/support/graphql-client.ts'
import { type RunningUnleash, runUnleash } from '../test/support/unleash.ts'
import { recount } from './recount.ts'

const BIN = fileURLToPath(new URL('../bin/token-bridge.js', import.meta.url))
const WAIT_MS = 60_000
const folder = mkdtempSync(join(tmpdir(), 'token-bridge-run-'))
const environment = {
  PATH: process.env.PATH ?? '',
  HOME: folder,
  DATA_DIR: join(folder, 'data'),
  ...(process.env.REDIS_URL ? { REDIS_URL: process.env.REDIS_URL } : {}),
}
const started = performance.now()
let failures = 0

/** What must be counted: tokens by kind, records, and tokens by model, project and session. */
interface Expected {
  total: Record<string, bigint>
  records: bigint
  groups: Record<'model' | 'project' | 'session', Map<string, bigint>>
}

const nothing = (): Expected => ({
  total: {},
  records: 0n,
  groups: { model: new Map(), project: new Map(), session: new Map() },
})
const add = (map: Map<string, bigint>, key: string, tokens: bigint): void => {
  map.set(key, (map.get(key) ?? 0n) + tokens)
}

function plant(expected: Expected, truth: Truth): void {
  for (const [kind, tokens] of Object.entries(truth.tokens))
    expected.total[kind] = (expected.total[kind] ?? 0n) + BigInt(tokens)
  expected.records += BigInt(truth.recordCount)
  const groups: [keyof Expected['groups'], Record<string, TruthGroup>][] = [
    ['model', truth.byModel],
    ['project', truth.byProject],
    ['session', truth.bySession],
  ]
  for (const [name, group] of groups)
    for (const [key, { tokens }] of Object.entries(group)) add(expected.groups[name], key, BigInt(tokens.total))
}

function plantRecord(expected: Expected, input: bigint, of: { model: string; project: string; session: string }): void {
  for (const kind of ['input', 'total']) expected.total[kind] = (expected.total[kind] ?? 0n) + input
  expected.records++
  for (const name of ['model', 'project', 'session'] as const) add(expected.groups[name], of[name], input)
}

const say = (text: string): void => {
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}\n`)
}

function check(what: string, ok: boolean, detail = ''): void {
  say(`${ok ? 'ok  ' : 'FAIL'} ${what}${ok || detail === '' ? '' : `: ${detail}`}`)
  if (!ok) failures++
}

/** Runs the program to its end. */
function run(args: readonly string[], more: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], {
      env: { ...environment, ...more },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.on('exit', (code) => {
      if (code === 0) resolve(output)
      else reject(new Error(`token-bridge ${args.join(' ')} ended with code ${code}: ${output}`))
    })
  })
}

const QUESTION = `{ tokenMetrics {
  tokens { input output cacheCreation cacheRead total } recordCount
  byModel { model tokens { total } } byProject { project tokens { total } }
  sessions(first: 100) { edges { node { id tokens { total } } } }
  quality { unshippedBytes }
  provenance { source reason migrationProgress cache } } }`

interface Counted {
  tokens: { total: string }
}
interface Metrics {
  tokens: Record<string, string>
  recordCount: string
  byModel: (Counted & { model: string })[]
  byProject: (Counted & { project: string })[]
  sessions: { edges: { node: Counted & { id: string } }[] }
  quality: { unshippedBytes: string }
  provenance: { source: string; reason: string; migrationProgress: number; cache: string }
}

/** What differs from what was planted; empty where nothing does. */
function differences(metrics: Metrics, expected: Expected): string[] {
  const differ: string[] = []
  for (const [kind, tokens] of Object.entries(expected.total))
    if (BigInt(metrics.tokens[kind] ?? 0) !== tokens) differ.push(`${kind} ${metrics.tokens[kind]}, not ${tokens}`)
  if (BigInt(metrics.recordCount) !== expected.records)
    differ.push(`${metrics.recordCount} records, not ${expected.records}`)
  const groups: [keyof Expected['groups'], Map<string, bigint>][] = [
    ['model', new Map(metrics.byModel.map(({ model, tokens }) => [model, BigInt(tokens.total)]))],
    ['project', new Map(metrics.byProject.map(({ project, tokens }) => [project, BigInt(tokens.total)]))],
    ['session', new Map(metrics.sessions.edges.map(({ node }) => [node.id, BigInt(node.tokens.total)]))],
  ]
  for (const [name, found] of groups) {
    const wanted = expected.groups[name]
    for (const key of new Set([...wanted.keys(), ...found.keys()]))
      if (wanted.get(key) !== found.get(key)) differ.push(`${name} ${key}: ${found.get(key)}, not ${wanted.get(key)}`)
  }
  return differ.slice(0, 5)
}

interface Server {
  url: string
  token: string
  child: ChildProcess
}

async function startServer(unleash: RunningUnleash, transcripts: string): Promise<Server> {
  const child = spawn(process.execPath, [BIN, 'serve'], {
    env: {
      ...environment,
      TRANSCRIPTS_DIR: transcripts,
      PORT: '0',
      LOG_LEVEL: 'warn',
      UNLEASH_URL: unleash.apiUrl,
      UNLEASH_API_TOKEN: unleash.apiToken,
      // hybrid answers are to be seen from the first verified tokens on
      MIGRATION_PROGRESS_THRESHOLD: '0.01',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => String(chunk).includes('curl ') && resolve())
    child.on('exit', (code) => reject(new Error(`the server ended with code ${code}`)))
  })
  const { url } = JSON.parse(readFileSync(join(folder, 'data', 'server.json'), 'utf8')) as { url: string }
  const token = (await run(['token', '--user', 'ann', '--roles', 'viewer,ingester,operator'])).trim()
  return { url, token, child }
}

async function metricsOf({ url, token }: Server): Promise<Metrics> {
  return ((await ask(url, token, QUESTION)) as { tokenMetrics: Metrics }).tokenMetrics
}

/** Asks until an answer comes from a source, with everything counted, and compares it. */
async function expectFrom(server: Server, source: string, expected: Expected, what: string): Promise<Metrics> {
  const asked = performance.now()
  for (;;) {
    const metrics = await metricsOf(server)
    const differ = differences(metrics, expected)
    // a cached answer may be stale for a moment, and new lines take one to be noticed
    const late = performance.now() - asked > WAIT_MS
    if ((metrics.provenance.source === source && differ.length === 0) || late) {
      const { provenance } = metrics
      check(
        `${what}: ${provenance.source} (${provenance.reason}), ${count(metrics.tokens.total ?? '', 'token')} in ${count(metrics.recordCount, 'record')}`,
        provenance.source === source && differ.length === 0,
        differ.join('; '),
      )
      return metrics
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

let unleash: RunningUnleash | undefined
let server: Server | undefined
try {
  const expected = nothing()
  const own = generateCorpus({ files: 40, megabytes: 384, seed: 11, out: join(folder, 'own') })
  plant(expected, own)
  say(
    `planted ${own.files} transcripts of ${Math.round(own.bytes / 1e6)} MB: ${count(own.tokens.total, 'token')}, each once`,
  )

  const analysed = JSON.parse(await run(['analyze', '--transcripts', join(folder, 'own', 'projects'), '--json'])) as {
    tokens: Record<string, string>
  }
  check('analyze counts what was planted', analysed.tokens.total === own.tokens.total, analysed.tokens.total)

  const counted = await recount(join(folder, 'own'))
  check('a second count, that shares no code with the first, agrees', counted.tokens.total === own.tokens.total)

  unleash = await runUnleash()
  say('Unleash and its PostgreSQL run')
  server = await startServer(unleash, `ann@laptop=${join(folder, 'own', 'projects')}`)
  say(`the server answers at ${server.url}`)
  await expectFrom(server, 'LEGACY', expected, 'before the migration')

  say(`dry run: ${(await run(['migrate', 'start', '--dry-run'])).trim().replaceAll('\n', '\n          ')}`)
  await run(['migrate', 'start', '--no-wait'])
  const seen = new Map<string, number>()
  let wrong = 0
  for (let last = ''; last !== 'CLICKHOUSE'; ) {
    const metrics = await metricsOf(server)
    last = metrics.provenance.source
    seen.set(last, (seen.get(last) ?? 0) + 1)
    if (differences(metrics, expected).length > 0) wrong++
  }
  const sources = [...seen].map(([source, count]) => `${count} from ${source}`).join(', ')
  check(`during the migration every answer is the planted one: ${sources}`, wrong === 0, `${wrong} are not`)
  check('hybrid answers were among them', (seen.get('HYBRID') ?? 0) > 0)
  say((await run(['migrate', 'status', '--wait'])).trim().replaceAll('\n', '\n          '))
  await expectFrom(server, 'CLICKHOUSE', expected, 'after the migration')

  const records = Array.from({ length: 2500 }, (_, i) => {
    const record = { model: 'claude-sonnet-4-5', project: 'ingested', session: `ingested-${i % 7}` }
    plantRecord(expected, BigInt(i), record)
    const { session, ...rest } = record
    return JSON.stringify({
      ...rest,
      sessionId: session,
      occurredAt: '2026-04-02T09:15:03Z',
      tokens: { input: i, output: 0 },
    })
  })
  writeFileSync(join(folder, 'records.jsonl'), records.join('\n'))
  for (const time of ['once', 'twice']) {
    await run(['ingest', join(folder, 'records.jsonl')])
    await expectFrom(server, 'CLICKHOUSE', expected, `2,500 records sent ${time}`)
  }

  const other = generateCorpus({ files: 6, megabytes: 12, seed: 12, out: join(folder, 'other') })
  plant(expected, other)
  const pushing = ['push', '--server', server.url, '--token', server.token, '--once']
  for (const time of ['once', 'twice']) {
    await run(pushing, {
      TRANSCRIPTS_DIR: `bob@tower=${join(folder, 'other', 'projects')}`,
      DATA_DIR: join(folder, 'laptop'),
    })
    await expectFrom(
      server,
      'CLICKHOUSE',
      expected,
      `${count(other.recordCount, 'record')} pushed from a second folder ${time}`,
    )
  }

  const growing = join(folder, 'own', 'projects', 'recorded')
  const line = (id: string, tokens: number): string =>
    `${JSON.stringify({ sessionId: 'recorded', timestamp: '2026-04-02T09:15:03Z', message: { id, model: 'm', usage: { input_tokens: tokens, output_tokens: 0 } } })}\n`
  mkdirSync(growing)
  for (let i = 0; i < 5; i++) {
    appendFileSync(join(growing, 'session.jsonl'), line(`msg_recorded_${i}`, 1000 + i))
    plantRecord(expected, BigInt(1000 + i), { model: 'm', project: 'recorded', session: 'recorded' })
  }
  await expectFrom(server, 'CLICKHOUSE', expected, 'five lines written by an agent')

  await unleash.toggle('database_bridge_enabled', false)
  const toggled = performance.now()
  await expectFrom(server, 'LEGACY', expected, 'the kill switch is off in Unleash')
  say(
    `everybody is on legacy ${Math.round(performance.now() - toggled)} ms after the toggle (the bridge asks Unleash every second, as it does by itself)`,
  )
  await unleash.toggle('database_bridge_enabled', true)
  await expectFrom(server, 'CLICKHOUSE', expected, 'the kill switch is on again')

  server.child.kill('SIGKILL')
  server = await startServer(unleash, `ann@laptop=${join(folder, 'own', 'projects')}`)
  await expectFrom(server, 'CLICKHOUSE', expected, 'killed and started again')

  say((await run(['migrate', 'verify'])).trim().replaceAll('\n', '\n          '))
  say((await run(['migrate', 'backup', 'drill', '--all'])).trim().split('\n')[0] as string)
  const rolling = performance.now()
  const rolledBack = run(['migrate', 'rollback'])
  await expectFrom(server, 'LEGACY', expected, 'rolled back')
  say(`everybody is on the files ${Math.round(performance.now() - rolling)} ms after the command was begun`)
  check('the rollback is whole', (await rolledBack).includes('ROLLED_BACK'))
  await run(['migrate', 'start'])
  await expectFrom(server, 'CLICKHOUSE', expected, 'migrated again')
  const restored = (await run(['migrate', 'restore', 'drill'])).trim()
  await expectFrom(server, 'CLICKHOUSE', expected, `the backup brought back, which changes nothing (${restored})`)
  check('and is verified', (await run(['migrate', 'verify'])).includes('COMPLETED'))
} catch (error) {
  check('the run', false, (error as Error).message)
} finally {
  server?.child.kill('SIGTERM')
  await unleash?.stop()
  if (existsSync(folder)) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}
say(failures === 0 ? 'every figure equals the planted truth' : `${failures} checks failed`)
process.exitCode = failures === 0 ? 0 : 1
