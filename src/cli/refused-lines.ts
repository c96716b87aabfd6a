import Table from 'cli-table3'
import { count, grouped } from '../domain/counted.ts'
import { cell, columnsOf } from './cell.ts'
import type { Analyzed } from './report.ts'
import { PLAIN, styledTable } from './tables.ts'
import type { StyledLine } from './terminal.ts'

/** A path that is needed to find the file is cut later than a name. */
const PATH_COLUMNS = 300

/** Refused lines with their places: a table, or, where that would be wider than `maxColumns`, a place a line. */
export function refusedLines(analyzed: Analyzed, maxColumns: number): StyledLine[] {
  if (analyzed.quality.refused.length === 0) return ['No line was refused.']
  const table = tableOf(analyzed)
  return columnsOf(table.slice(0, table.indexOf('\n'))) <= maxColumns
    ? styledTable(table, false)
    : listOf(analyzed, maxColumns)
}

function tableOf({ quality, lineOf }: Analyzed): string {
  const table = new Table({ ...PLAIN, head: ['Reason', 'Lines', 'Where: line (byte offset)'] })
  for (const { reason, count: lines, places } of quality.refused) {
    places.forEach(({ path, offset }, i) => {
      const where = `${cell(path, PATH_COLUMNS)}:${lineOf(path, offset) ?? '?'} (${grouped(offset)})`
      table.push([i === 0 ? reason : '', i === 0 ? { content: grouped(lines), hAlign: 'right' } : '', where])
    })
    const unnamed = unnamedOf(lines, places)
    if (unnamed > 0n) table.push(['', '', `and ${grouped(unnamed)} more`])
  }
  return table.toString()
}

/** The end of a path tells which file it is. */
function listOf({ quality, lineOf }: Analyzed, maxColumns: number): StyledLine[] {
  return quality.refused.flatMap(({ reason, count: lines, places }): StyledLine[] => {
    const unnamed = unnamedOf(lines, places)
    return [
      { text: `${reason}: ${count(lines, 'line')}`, style: 'bold' },
      ...places.map(({ path, offset }) => {
        const where = `:${lineOf(path, offset) ?? '?'} (byte ${grouped(offset)})`
        return `  ${cell(path, maxColumns - where.length - 2, 'end')}${where}`
      }),
      ...(unnamed > 0n ? [`  and ${grouped(unnamed)} more`] : []),
    ]
  })
}

/** Only the first places of a reason are known. */
const unnamedOf = (lines: bigint, places: readonly unknown[]): bigint => lines - BigInt(places.length)
