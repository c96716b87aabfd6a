import { groupingKey } from '../domain/dimensions.ts'
import type { TokenAnswer, TokenFilter } from '../domain/token-query.ts'
import {
  type By,
  type Format,
  type Order,
  type RangeOptions,
  readBy,
  readFormat,
  readOrder,
  readRange,
  readTimeZone,
} from './analysis-options.ts'
import { sheetOf } from './analyzed-sheet.ts'
import { type Counted, type CountingOptions, countTranscripts } from './count-transcripts.ts'
import { lineNumbers } from './line-numbers.ts'
import { type Analyzed, dayOf, listGroupings, toJson } from './report.ts'
import { groupingsOf, isBySession, rowsOf } from './rows.ts'
import { type Asked, checkAsked, selectionOf } from './selection.ts'
import { csvLines, markdownLines } from './sheet.ts'
import { printJson, printStyled, printWhole, tableColumns, tellProblem } from './terminal.ts'

export interface AnalyzeOptions extends Asked, RangeOptions, CountingOptions {
  timeZone: string
  by: string
  order?: string
  format: Format
  compact?: boolean
  quality?: boolean
  json?: boolean
}

/** What the options come to. */
interface Question {
  by: By
  order: Order
  timeZone: string
  range: Pick<TokenFilter, 'from' | 'to'>
  format: Format
  /** The lists of `--json`. */
  lists: boolean
}

/** `token-bridge analyze`: counts the transcripts of this machine without a server. */
export async function analyze(options: AnalyzeOptions): Promise<void> {
  const question = readQuestion(options)
  const counted = await countTranscripts(options)
  try {
    const analyzed = await analyzedFrom(counted, question, options)
    if (question.format === 'json')
      printJson(toJson(analyzed, { withPlaces: options.quality === true, lists: question.lists }))
    else await printAnalyzed(analyzed, question.format, options)
    if (analyzed.answer.whole.length === 0) tellEmpty(analyzed)
  } finally {
    counted.end()
  }
}

function readQuestion(options: AnalyzeOptions): Question {
  const by = readBy(options.by)
  const timeZone = readTimeZone(options.timeZone)
  checkAsked(options)
  return {
    by,
    order: readOrder(options.order),
    timeZone,
    range: readRange(options, timeZone, by.granularity ?? 'DAY', Date.now()),
    format: readFormat(options),
    lists: options.json === true,
  }
}

async function analyzedFrom(counted: Counted, question: Question, options: AnalyzeOptions): Promise<Analyzed> {
  const { analysis, roots, home } = counted
  const { by, timeZone } = question
  const filter = { ...selectionOf(options, analysis, roots, home), ...question.range }
  const answer = answerOf(counted, filter, question)
  const everything = Object.keys(filter).length === 0 ? answer : analysis.answer([{ filter: {}, groupings: [] }])[0]
  const quality = analysis.quality()
  // not before: the list would be in memory while the files are read
  const { createGenaiPriceList } = await import('../pricing/genai-price-list.ts')
  const { priceOf } = createGenaiPriceList()
  const arranged = { by, order: question.order, timeZone, priceOf }
  const rows = rowsOf(answer, arranged)
  const at = by.names.indexOf('project')
  const projects = rows.flatMap(({ values, session }) => session?.project ?? (at < 0 ? [] : [values[at] as string]))
  return {
    ...arranged,
    answer,
    rows,
    quality,
    everything: everything ?? answer,
    projectPaths: analysis.projectPaths(new Set(projects)),
    lineOf: options.quality === true ? lineNumbers(quality.refused.flatMap(({ places }) => places)) : () => undefined,
  }
}

function answerOf({ analysis }: Counted, filter: TokenFilter, { by, timeZone, lists }: Question): TokenAnswer {
  const groupings = [...groupingsOf(by, timeZone), ...(lists ? listGroupings(timeZone) : [])]
  const once = [...new Map(groupings.map((grouping) => [groupingKey(grouping), grouping])).values()]
  const [answer] = analysis.answer([
    { filter, groupings: once, sessions: lists || isBySession(by), countSessions: true },
  ])
  if (answer === undefined) throw new Error('no answer')
  return answer
}

async function printAnalyzed(analyzed: Analyzed, format: Exclude<Format, 'json'>, options: AnalyzeOptions) {
  const { tableOf, summaryLines } = await import('./tables.ts')
  if (format === 'csv') return printWhole(csvLines(sheetOf(analyzed, false)))
  if (format === 'markdown') {
    printWhole(markdownLines(sheetOf(analyzed, true)))
    return printStyled(['', ...summaryLines(analyzed, [], Number.POSITIVE_INFINITY)])
  }
  const maxColumns = tableColumns(options.compact === true)
  const { lines, left } = tableOf(analyzed, maxColumns)
  printStyled([...lines, ...summaryLines(analyzed, left, maxColumns)])
  if (options.quality !== true) return
  const { refusedLines } = await import('./refused-lines.ts')
  printStyled(['', ...refusedLines(analyzed, maxColumns)])
}

/** Nothing was selected: whoever asked may not have meant that. */
function tellEmpty({ everything: { firstAt, lastAt }, timeZone }: Analyzed): void {
  if (firstAt === undefined || lastAt === undefined) return
  const range = `from ${dayOf(firstAt, timeZone)} to ${dayOf(lastAt, timeZone)}`
  tellProblem(`nothing was used in what was selected; there are records ${range}`)
}
