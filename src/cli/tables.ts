import Table from 'cli-table3'
import { costOf } from '../domain/cost.ts'
import { count, grouped } from '../domain/counted.ts'
import { type Usage, usageOf } from '../domain/usage.ts'
import { cell, columnsOf } from './cell.ts'
import { shortName } from './model-name.ts'
import { type Analyzed, dayOf, titled } from './report.ts'
import type { Row } from './rows.ts'
import type { StyledLine } from './terminal.ts'

/** No rule after every row. */
export const PLAIN = { style: { head: [], border: [], compact: true } }
/** What a name is not cut below, if there is any room. */
const MIN_NAME = 8

interface Figure {
  head: string
  of: (usage: Usage) => string
  /** Those with the highest go first where a table is too wide. */
  goes: number
}

const FIGURES: readonly Figure[] = [
  { head: 'Input', of: ({ tokens }) => grouped(tokens.input), goes: 2 },
  { head: 'Output', of: ({ tokens }) => grouped(tokens.output), goes: 1 },
  { head: 'Cache write', of: ({ tokens }) => grouped(tokens.cacheCreation), goes: 4 },
  { head: 'Cache read', of: ({ tokens }) => grouped(tokens.cacheRead), goes: 3 },
  { head: 'Total', of: ({ tokens }) => grouped(tokens.total), goes: 0 },
  { head: 'Records', of: ({ recordCount }) => grouped(recordCount), goes: 5 },
  { head: 'Cost USD', of: ({ costUsd }) => (costUsd === null ? 'unpriced' : costUsd.toFixed(2)), goes: 0 },
]

/** One table, as people read it, of at most `maxColumns` where that is possible, and what it leaves out. */
export function tableOf(analyzed: Analyzed, maxColumns: number): { lines: StyledLine[]; left: string[] } {
  const { heads, rows: named } = namedRows(analyzed)
  const whole = usageOf(analyzed.answer.whole, analyzed.priceOf)
  const sum = { names: ['Total', ...heads.slice(1).map(() => '')], usage: whole }
  const figures = fittingFigures(heads, [...named, sum], maxColumns)
  const all = [...withShortModels(heads, named, nameWidths(heads, [...named, sum], figures, maxColumns)), sum]
  const widths = nameWidths(heads, all, figures, maxColumns)
  const table = new Table({
    ...PLAIN,
    head: [...heads, ...figures.map(({ head }) => head)],
    colAligns: [...heads.map(() => 'left' as const), ...figures.map(() => 'right' as const)],
  })
  let before: string[] = []
  for (const { names, usage } of all) {
    const cells = names.map((name, i) => cell(name, widths[i], heads[i] === 'Project' ? 'end' : 'start'))
    // what a row has in common with the one above is said once
    const common = names.findIndex((name, i) => i === names.length - 1 || name !== before[i])
    table.push([...cells.map((text, i) => (i < common ? '' : text)), ...figures.map(({ of }) => of(usage))])
    before = names
  }
  return {
    lines: styledTable(table.toString(), true),
    left: FIGURES.filter((figure) => !figures.includes(figure)).map(({ head }) => head),
  }
}

/** The names of the columns stand out, and so does a sum as the last row, which is parted from what it is of. */
export function styledTable(table: string, withSum: boolean): StyledLine[] {
  const lines = table.split('\n')
  const rule = lines[2] as string
  const sum = lines.length - 2
  return lines.flatMap((text, i): StyledLine[] =>
    i === 1 ? [{ text, style: 'bold' }] : withSum && i === sum && sum > 3 ? [rule, { text, style: 'bold' }] : [text],
  )
}

interface NamedRow {
  names: string[]
  usage: Usage
}

function namedRows({ by, rows, projectPaths }: Analyzed): { heads: string[]; rows: NamedRow[] } {
  const projectName = (project: string): string => projectPaths.get(project) ?? project
  const shown = (row: Row): string[] =>
    row.values.map((value, i) => (by.names[i] === 'project' ? projectName(value) : value))
  if (by.names.length === 1 && by.names[0] === 'session')
    return {
      heads: ['Session', 'Project', 'Last activity'],
      rows: rows.map(({ values, usage, session }) => ({
        names: [
          values[0] as string,
          projectName(session?.project ?? ''),
          new Date(session?.lastActivityAt ?? 0).toISOString(),
        ],
        usage,
      })),
    }
  return { heads: by.names.map(titled), rows: rows.map((row) => ({ names: shown(row), usage: row.usage })) }
}

/** A border, and a space before and behind it. */
const BORDER = 3
const widthOf = (widths: readonly number[]): number => widths.reduce((sum, width) => sum + width + BORDER, 1)

function fittingFigures(heads: readonly string[], rows: readonly NamedRow[], maxColumns: number): readonly Figure[] {
  let figures = FIGURES
  const names = heads.map((head, i) => Math.min(longest([head, ...rows.map(({ names }) => names[i] as string)]), 24))
  for (let goes = 5; goes > 0; goes--) {
    if (widthOf([...names, ...figureWidths(figures, rows)]) <= maxColumns) break
    figures = figures.filter((figure) => figure.goes !== goes)
  }
  return figures
}

const figureWidths = (figures: readonly Figure[], rows: readonly NamedRow[]): number[] =>
  figures.map(({ head, of }) => longest([head, ...rows.map(({ usage }) => of(usage))]))

/** Columns of each name: as many as it needs, the widest cut first where there are too few. */
function nameWidths(
  heads: readonly string[],
  rows: readonly NamedRow[],
  figures: readonly Figure[],
  maxColumns: number,
): (number | undefined)[] {
  if (!Number.isFinite(maxColumns)) return heads.map(() => undefined)
  const widths = heads.map((head, i) => longest([head, ...rows.map(({ names }) => cell(names[i] as string))]))
  const taken = figureWidths(figures, rows)
  while (widthOf([...widths, ...taken]) > maxColumns) {
    const widest = Math.max(...widths)
    if (widest <= MIN_NAME) break
    widths[widths.lastIndexOf(widest)] = widest - 1
  }
  return widths
}

/**
 * Names of models that would be cut are short ones instead, as long as these tell all models apart: names that are cut
 * look alike, because they differ at their ends.
 */
function withShortModels(
  heads: readonly string[],
  rows: readonly NamedRow[],
  widths: readonly (number | undefined)[],
): readonly NamedRow[] {
  const column = heads.indexOf('Model')
  const width = widths[column]
  const models = new Set(rows.map(({ names }) => names[column] as string))
  if (width === undefined || longest([...models]) <= width) return rows
  if (new Set([...models].map(shortName)).size < models.size) return rows
  return rows.map(({ names, usage }) => ({ names: names.with(column, shortName(names[column] as string)), usage }))
}

const longest = (texts: readonly string[]): number => texts.reduce((most, text) => Math.max(most, columnsOf(text)), 0)

/** What stands under the table: what was selected, then what there is in all. No line is wider than the table may be. */
export function summaryLines(analyzed: Analyzed, left: readonly string[], maxColumns: number): string[] {
  const { answer, quality, timeZone, priceOf } = analyzed
  const records = answer.whole.reduce((sum, { records }) => sum + records, 0n)
  const { unpricedTokens } = costOf(answer.whole, priceOf)
  const refused = quality.refused.reduce((sum, { count }) => sum + count, 0n)
  const days = [answer.firstAt, answer.lastAt].flatMap((time) => (time === undefined ? [] : [dayOf(time, timeZone)]))
  const sentences = [
    [
      `${count(records, 'record')} in ${count(answer.sessionCount ?? 0, 'session')}`,
      ...(days.length === 0 ? [] : [days[0] === days[1] ? (days[0] as string) : days.join(' to ')]),
      `time zone ${timeZone}`,
    ],
    unpricedTokens === 0n ? [] : [`${grouped(unpricedTokens)} of these tokens have no known price and are in no cost`],
    left.length === 0 ? [] : [`too wide to show: ${left[0]}`, ...left.slice(1)],
    [
      `in all: ${count(quality.files, 'transcript')}`,
      `${count(quality.duplicateLines, 'duplicate line')} not counted`,
      `${count(refused, 'line')} refused${refused > 0n ? ' (--quality tells why)' : ''}`,
    ],
  ]
  return sentences.filter((parts) => parts.length > 0).flatMap((parts) => wrapped(parts, maxColumns))
}

/** Parts in as few lines as they fit into. */
function wrapped(parts: readonly string[], maxColumns: number): string[] {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    if (last !== undefined && columnsOf(`${last}, ${part}`) < maxColumns) lines[lines.length - 1] = `${last}, ${part}`
    else {
      if (last !== undefined) lines[lines.length - 1] = `${last},`
      lines.push(part)
    }
  }
  return lines
}
