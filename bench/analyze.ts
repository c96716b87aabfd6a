// Cold and warm `analyze` beside ccusage's native program, on 1 GB of transcripts.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateCorpus } from '../corpus/generate.ts'
import { openAnalysis } from '../src/enhanced-analysis/analysis.ts'
import { discover } from '../src/enhanced-analysis/scanning/discovery.ts'
import { ccusageIn } from './ccusage.ts'
import type { Figure } from './figures.ts'
import { type Measured, measure, median } from './measure.ts'

const TOKENS = 2_768_012_012

/** The corpus of the benchmarks, made once. */
export function benchCorpus(megabytes: number): string {
  const folder = join('.bench', `corpus-${megabytes}mb`)
  if (!existsSync(join(folder, 'truth.json'))) {
    process.stdout.write(`making ${folder} …\n`)
    rmSync(folder, { recursive: true, force: true })
    generateCorpus({ files: 88, megabytes, tokens: TOKENS, seed: 1, out: folder })
  }
  return folder
}

export async function benchAnalyze(megabytes: number, rounds: number): Promise<readonly Figure[]> {
  const corpus = benchCorpus(megabytes)
  const programs = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  const ccusage = ccusageIn(programs)
  const files = discover([{ path: join(corpus, 'projects'), user: 'u', host: 'h' }]).files.map(({ path }) => path)
  const warmed = async (command: string, args: string[], env: Record<string, string>): Promise<Measured> => {
    // the system may have dropped pages meanwhile: none shall pay for the other's reading
    for (const path of files) readFileSync(path)
    return measure(command, args, env)
  }
  const analyze = (dataDir: string) =>
    warmed(process.execPath, ['bin/token-bridge.js', 'analyze', '--transcripts', corpus, '--json'], {
      DATA_DIR: dataDir,
    })
  const runs: Record<'cold' | 'warm' | 'ccusage', Measured[]> = { cold: [], warm: [], ccusage: [] }
  // once before, so that all find the files in the page cache and the compiled code in its own
  await analyze(mkdtempSync(join(tmpdir(), 'token-bridge-bench-')))
  for (let round = 0; round < rounds; round++) {
    const dataDir = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
    runs.cold.push(await analyze(dataDir))
    runs.ccusage.push(await warmed(ccusage, ['claude', 'daily', '--offline', '--json'], { CLAUDE_CONFIG_DIR: corpus }))
    runs.warm.push(await analyze(dataDir))
    rmSync(dataDir, { recursive: true })
  }
  rmSync(programs, { recursive: true })
  const truth = JSON.parse(readFileSync(join(corpus, 'truth.json'), 'utf8'))
  for (const { stdout } of [...runs.cold, ...runs.warm])
    if (JSON.parse(stdout).tokens.total !== truth.tokens.total) throw new Error('the analysis is wrong')
  const seconds = (name: keyof typeof runs) => median(runs[name].map((run) => run.seconds))
  const peak = (name: keyof typeof runs) => median(runs[name].map((run) => run.peakMb))
  process.stdout.write(
    `\nanalyze, ${megabytes} MB in 88 files, medians of ${rounds} interleaved runs (difference to the truth: 0)\n`,
  )
  for (const name of ['cold', 'warm', 'ccusage'] as const)
    process.stdout.write(`  ${name.padEnd(8)} ${seconds(name).toFixed(3)} s  ${peak(name).toFixed(0)} MB\n`)
  process.stdout.write(
    `  cold / ccusage: ${(seconds('cold') / seconds('ccusage')).toFixed(2)} (aim: at most 1, below 200 MB)\n`,
  )
  process.stdout.write(`  warm / cold: ${(seconds('warm') / seconds('cold')).toFixed(3)} as a command (aim: 0.05)\n`)
  await benchRefresh(corpus)
  const told = (name: keyof typeof runs): string => `${seconds(name).toFixed(2)} s, ${peak(name).toFixed(0)} MB`
  const besides = (name: 'cold' | 'warm'): string =>
    `ccusage, native: ${told('ccusage')}; ${(seconds(name) / seconds('ccusage')).toFixed(2)} of its time`
  return [
    {
      what: `\`analyze\` of ${megabytes} MB of transcripts, for the first time`,
      ours: told('cold'),
      peer: besides('cold'),
    },
    { what: '`analyze` of the same, once more', ours: told('warm'), peer: besides('warm') },
  ]
}

/** What a running server does when it looks again: the same without starting a process. */
async function benchRefresh(corpus: string): Promise<void> {
  const analysis = openAnalysis({ roots: [{ path: join(corpus, 'projects'), user: 'u', host: 'h' }], scanThreads: 2 })
  const started = performance.now()
  await analysis.refresh()
  const cold = performance.now() - started
  const times: number[] = []
  for (let i = 0; i < 20; i++) {
    const from = performance.now()
    await analysis.refresh()
    times.push(performance.now() - from)
  }
  analysis.close()
  process.stdout.write(
    `  in a running server: cold ${cold.toFixed(0)} ms, again ${median(times).toFixed(1)} ms (${(median(times) / cold).toFixed(4)})\n`,
  )
}
