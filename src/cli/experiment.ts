import Table from 'cli-table3'
import { grouped } from '../domain/counted.ts'
import { readRange, readTimeZone } from './analysis-options.ts'
import { cell } from './cell.ts'
import { type RemoteOptions, request } from './client.ts'
import { ExperimentDocument, type ExperimentQuery } from './generated.ts'
import { PLAIN } from './tables.ts'
import { printJson, printLines } from './terminal.ts'

export interface ExperimentOptions extends RemoteOptions {
  since?: string
  until?: string
}

type Experiment = ExperimentQuery['experiment']
type Arm = Experiment['arms'][number]

/** `token-bridge experiment`: both arms, how they differ, and what follows. The exit code is 1 where the database is worse. */
export async function showExperiment({ since, until, ...options }: ExperimentOptions): Promise<void> {
  const asked = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) }
  // days are counted by UTC
  const { from, to } = readRange(asked, readTimeZone('UTC'), 'DAY', Date.now())
  const moment = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString())
  const { experiment } = await request(ExperimentDocument, { from: moment(from), to: moment(to) }, options)
  if (experiment.verdict === 'REGRESSED') process.exitCode = 1
  if (options.json) return void printJson(experiment)
  printLines([...heading(experiment), ...armLines(experiment.arms), ...differenceLines(experiment)])
}

function heading({ flag, enabled, verdict, reason, crossovers, ...ratio }: Experiment): string[] {
  const { sampleRatioP: p, sampleRatioMismatch } = ratio
  const shown =
    p === null || p === undefined ? 'not tested: too few users, or no fixed share' : `p = ${p.toPrecision(2)}`
  return [
    `${verdict}: ${reason}`,
    `${flag} is ${enabled ? 'on' : 'off'}; users who were in both arms: ${grouped(crossovers)}`,
    `sample ratio: ${sampleRatioMismatch ? 'MISMATCH' : 'no mismatch'} (${shown})`,
  ]
}

const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? 'none' : `${(100 * value).toFixed(2)} %`
const milliseconds = (value: number | null | undefined): string =>
  value === null || value === undefined ? 'none' : `${value < 10 ? value.toFixed(2) : Math.round(value)} ms`

/** A row for each figure, a column for each arm. */
const FIGURES: readonly [string, (arm: Arm) => string][] = [
  ['expected share', ({ expectedShare }) => percent(expectedShare)],
  ['users', ({ users }) => grouped(users)],
  ['questions', ({ questions }) => grouped(questions)],
  ['errors', ({ errorRate }) => percent(errorRate)],
  ['fallbacks', ({ fallbackRate }) => percent(fallbackRate)],
  ['mismatches', ({ mismatchRate }) => percent(mismatchRate)],
  ['from the cache', ({ cacheHitRate }) => percent(cacheHitRate)],
  ['p50', ({ latencyP50Ms }) => milliseconds(latencyP50Ms)],
  ['p95', ({ latencyP95Ms }) => milliseconds(latencyP95Ms)],
  ['p99', ({ latencyP99Ms }) => milliseconds(latencyP99Ms)],
]

function armLines(arms: readonly Arm[]): string[] {
  const table = new Table({
    ...PLAIN,
    head: ['', ...arms.map(({ cohort }) => cell(cohort))],
    colAligns: ['left', ...arms.map(() => 'right' as const)],
  })
  for (const [name, of] of FIGURES) table.push([name, ...arms.map(of)])
  return table.toString().split('\n')
}

const differenceLines = ({ differences }: Experiment): string[] =>
  differences.map(({ measure, verdict, reason }) => `${measure}: ${verdict}, ${reason}`)
