import { join } from 'node:path'
import { readConfig } from '../config.ts'
import { costOf } from '../domain/cost.ts'
import { DIMENSION_NAMES, DIMENSIONS, type Dimension, valuesOf } from '../domain/dimensions.ts'
import { isTimeZone, parseMoment } from '../domain/time-buckets.ts'
import type { TokenFilter } from '../domain/token-query.ts'
import { openAnalysis } from '../enhanced-analysis/analysis.ts'
import { indexPathFor } from '../enhanced-analysis/index/index-path.ts'
import { resolveRoots } from '../transcripts/roots.ts'
import { createProgressBar } from './progress-bar.ts'
import { type Analyzed, BREAKDOWNS, type Breakdown, GRANULARITY_OF, groupingsFor, toJson } from './report.ts'
import { printJson, printLines, tellLines, tellProblem } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** An option of a dimension has its name, and all values that were given. */
export interface AnalyzeOptions extends Record<Dimension, string[]> {
  transcripts?: string
  timeZone: string
  by: string
  from?: string
  to?: string
  quality?: boolean
  json?: boolean
  index: boolean
  progress: boolean
}

/** `token-bridge analyze`: counts the transcripts of this machine without a server. */
export async function analyze(options: AnalyzeOptions): Promise<void> {
  const { timeZone } = options
  if (!isTimeZone(timeZone)) throw new UsageError(`--time-zone "${timeZone}" is not an IANA time zone`)
  const by = BREAKDOWNS.find((one) => one === options.by)
  if (by === undefined) throw new UsageError(`--by must be one of ${BREAKDOWNS.join(', ')}, not "${options.by}"`)
  const filter = readFilter(options)
  const config = readConfig()
  const roots = resolveRoots({
    ...config.transcripts,
    transcriptsDir: options.transcripts ?? config.transcripts.transcriptsDir,
  })
  const analysis = openAnalysis({
    roots,
    scanThreads: config.scanThreads,
    ...(options.index ? { indexPath: indexPathFor(join(config.dataDir, 'index'), roots) } : {}),
  })
  const bar = options.progress && process.stderr.isTTY ? await createProgressBar() : undefined
  const refreshed = await analysis.refresh(bar?.update).finally(() => bar?.stop())
  const [answer] = analysis.answer([{ filter, groupings: groupingsFor(timeZone, GRANULARITY_OF[by]), sessions: true }])
  if (answer === undefined) throw new Error('no answer')
  // of the whole corpus, whatever the filter
  const [everything] = Object.keys(filter).length === 0 ? [answer] : analysis.answer([{ filter: {}, groupings: [] }])
  const quality = analysis.quality()
  const indexProblem = analysis.indexProblem()
  analysis.close()
  // not before: the list would be in memory while the files are read
  const { createGenaiPriceList } = await import('../pricing/genai-price-list.ts')
  const { priceOf } = createGenaiPriceList()
  const analyzed: Analyzed = {
    answer,
    quality,
    unpricedTokens: costOf(everything?.whole ?? [], priceOf).unpricedTokens,
    timeZone,
    priceOf,
  }
  if (options.json) printJson(toJson(analyzed, options.quality === true))
  else await printTables(analyzed, by, options.quality === true)
  if (refreshed.files === 0) tellLines([`no transcripts found in ${roots.map((root) => root.path).join(', ')}`])
  if (indexProblem !== undefined) tellProblem(indexProblem)
  for (const problem of refreshed.unreadable) tellProblem(`could not read ${problem}`)
  // what could not be read is missing in the figures
  if (refreshed.unreadable.length > 0) process.exitCode = 1
}

async function printTables(analyzed: Analyzed, by: Breakdown, quality: boolean): Promise<void> {
  const { summaryText, tableText, qualityText } = await import('./tables.ts')
  printLines(`${tableText(analyzed, by)}\n${summaryText(analyzed)}`.split('\n'))
  if (quality) printLines(`\n${qualityText(analyzed)}`.split('\n'))
}

function readFilter(options: AnalyzeOptions): TokenFilter {
  const filter: TokenFilter = {}
  for (const name of ['from', 'to'] as const) {
    const text = options[name]
    if (text === undefined) continue
    const moment = parseMoment(text, options.timeZone)
    if (moment === undefined)
      throw new UsageError(`--${name} "${text}" is neither a date (2026-04-02) nor an RFC 3339 timestamp`)
    filter[name] = moment
  }
  if (filter.from !== undefined && filter.to !== undefined && filter.from > filter.to)
    throw new UsageError(`--from ${options.from} is after --to ${options.to}`)
  for (const name of DIMENSION_NAMES) {
    const asked = options[name]
    if (asked.length === 0) continue
    const wrong = asked.find((value) => valuesOf(name)?.some((known) => known === value) === false)
    if (wrong !== undefined) throw new UsageError(`--${name} must be true or false, not "${wrong}"`)
    filter[DIMENSIONS[name].filter] = asked
  }
  return filter
}
