// The whole history, carried and verified: how long it takes beside only analysing the same files, and in how much memory.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { recount } from '../scripts/recount.ts'
import { loadMadeSecret } from '../src/access/secret.ts'
import { signToken } from '../src/access/tokens.ts'
import { ask } from '../test/support/graphql-client.ts'
import { benchCorpus } from './analyze.ts'
import { measure, median, peakOf, residentMb } from './measure.ts'
import { startBridge, untilLine } from './processes.ts'

const HELP = `usage: npm run bench:migration -- [--mb 1024] [--rounds 3]

Carries 88 transcripts that hold exactly 2,768,012,012 tokens after deduplication into the embedded ClickHouse and
verifies them; prints duration, MB/s, memory, and the ratio to a cold analysis of the same files.`
const POLL_MS = 100
const FIELDS =
  'state progress difference tokensTotal tokensVerified bytesTotal recordsTotal memoryBytes error startedAt finishedAt'

interface Run {
  seconds: number
  /** The server's own heap and buffers, while it carried, at most; and its peak resident memory. */
  memoryMb: number
  peakMb: number
  /** Resident before the run: program, analysis and engine. */
  before: number
  rollbackSeconds: number
  megabytes: number
}

const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
    help: { type: 'boolean', short: 'h' },
  },
})
if (values.help) process.stdout.write(`${HELP}\n`)
else await bench(Number(values.mb), Number(values.rounds))

async function bench(mb: number, rounds: number): Promise<void> {
  const corpus = benchCorpus(mb)
  const truth = JSON.parse(readFileSync(join(corpus, 'truth.json'), 'utf8')) as { tokens: { total: string } }
  const counting = performance.now()
  if ((await recount(corpus)).tokens.total !== truth.tokens.total) throw new Error('the second count differs')
  const recounted = (performance.now() - counting) / 1000
  const analyses: number[] = []
  const runs: Run[] = []
  for (let round = 0; round < rounds; round++) {
    const dataDir = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
    try {
      const analyze = ['bin/token-bridge.js', 'analyze', '--transcripts', corpus, '--json']
      analyses.push((await measure(process.execPath, analyze, { DATA_DIR: join(dataDir, 'analyze') })).seconds)
      runs.push(await migrate(corpus, join(dataDir, 'serve'), truth.tokens.total))
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
    }
  }
  const of = (pick: (run: Run) => number): number => median(runs.map(pick))
  const seconds = of((run) => run.seconds)
  const ratio = seconds / median(analyses)
  const print = (name: string, text: string): void => void process.stdout.write(`  ${name.padEnd(44)} ${text}\n`)
  process.stdout.write(
    `\nmigration, ${mb} MB in 88 files, ${truth.tokens.total} tokens, medians of ${rounds} runs (difference 0 in each)\n`,
  )
  print('carried and verified', `${seconds.toFixed(2)} s, ${(of((run) => run.megabytes) / seconds).toFixed(0)} MB/s`)
  print('only analysed, cold', `${median(analyses).toFixed(2)} s`)
  print('counted by the script that shares no code', `${recounted.toFixed(2)} s, the same tokens`)
  print('ratio', `${ratio.toFixed(2)} (aim: below 3)`)
  print('heap and buffers of the server, at most', `${of((run) => run.memoryMb).toFixed(0)} MB (aim: below 200 MB)`)
  print(
    'resident, engine included: before, at most',
    `${of((run) => run.before).toFixed(0)} MB, ${of((run) => run.peakMb).toFixed(0)} MB`,
  )
  print('rolled back, readers on the files at once', `${of((run) => run.rollbackSeconds).toFixed(2)} s`)
}

async function migrate(corpus: string, dataDir: string, tokens: string): Promise<Run> {
  const server = startBridge({ DATA_DIR: dataDir, TRANSCRIPTS_DIR: corpus })
  try {
    const url = await untilLine(server, /curl .*?(http:\/\/[\d.:]+)/s)
    const token = await signToken(loadMadeSecret(dataDir), { userId: 'bench', roles: ['operator'] }, 600)
    const question = (query: string) => ask(url, token, query)
    const before = residentMb(server.pid as number)
    const { startMigration } = await question('mutation { startMigration { id } }')
    let memory = 0
    const until = async (state: string) => {
      for (;;) {
        const { migration } = await question(`{ migration { ${FIELDS} } }`)
        memory = Math.max(memory, Number(migration.memoryBytes) / 1e6)
        if (migration.state === state) return migration
        if (migration.state === 'FAILED') throw new Error(migration.error)
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      }
    }
    const ended = await until('COMPLETED')
    if (ended.difference !== '0' || ended.tokensVerified !== tokens) throw new Error(JSON.stringify(ended))
    const memoryMb = memory
    const peakMb = (peakOf(server.pid) ?? Number.NaN) / 1024
    const rolling = performance.now()
    await question(`mutation { rollbackMigration(id: "${startMigration.id}") { id } }`)
    await until('ROLLED_BACK')
    return {
      seconds: (Date.parse(ended.finishedAt) - Date.parse(ended.startedAt)) / 1000,
      memoryMb,
      peakMb,
      before,
      rollbackSeconds: (performance.now() - rolling) / 1000,
      megabytes: Number(ended.bytesTotal) / 1e6,
    }
  } finally {
    const gone = new Promise((resolve) => server.once('exit', resolve))
    server.kill()
    await gone
  }
}
