import Table from 'cli-table3'
import { groupsOf } from '../domain/token-query.ts'
import { type Usage, usageByModel, usageByValue, usageOf } from '../domain/usage.ts'
import { cell } from './cell.ts'
import {
  type Analyzed,
  type Breakdown,
  GRANULARITY_OF,
  LISTED_DIMENSIONS,
  seriesOf,
  sessionsOf,
  titled,
} from './report.ts'

/** A path that is needed to find the file is cut later than a name. */
const PATH_COLUMNS = 300
const PLAIN = { style: { head: [], border: [] } }
const NUMBER_HEADS = ['Input', 'Output', 'Cache write', 'Cache read', 'Total', 'Records', 'Cost USD']

/** One table, as people read it. */
export function tableText(analyzed: Analyzed, by: Breakdown): string {
  const { heads, rows } = rowsOf(analyzed, by)
  const table = new Table({
    ...PLAIN,
    head: [...heads, ...NUMBER_HEADS],
    colAligns: [...heads.map(() => 'left' as const), ...NUMBER_HEADS.map(() => 'right' as const)],
  })
  for (const { names, usage } of rows) table.push([...names.map((name) => cell(name)), ...numbers(usage)])
  const whole = usageOf(analyzed.answer.whole, analyzed.priceOf)
  table.push(['Total', ...heads.slice(1).map(() => ''), ...numbers(whole)])
  return table.toString()
}

/** What stands under the table. */
export function summaryText({ answer, quality, unpricedTokens, timeZone }: Analyzed): string {
  const refused = quality.refused.reduce((sum, { count }) => sum + count, 0n)
  const lines = [
    `${count(quality.files, 'transcript')}, ${count(answer.sessionCount ?? 0, 'session')}, time zone ${timeZone}; ` +
      `${count(quality.duplicateLines, 'duplicate line')} not counted, ${count(refused, 'line')} refused` +
      (refused > 0n ? ' (--quality tells why)' : ''),
  ]
  if (unpricedTokens > 0n) lines.push(`${grouped(unpricedTokens)} tokens have no known price and are in no cost`)
  return lines.join('\n')
}

/** Refused lines with their places. */
export function qualityText({ quality }: Analyzed): string {
  if (quality.refused.length === 0) return 'No line was refused.'
  const table = new Table({ ...PLAIN, head: ['Reason', 'Lines', 'Where (byte offset)'] })
  for (const { reason, count: lines, places } of quality.refused) {
    places.forEach(({ path, offset }, i) => {
      table.push([i === 0 ? reason : '', i === 0 ? grouped(lines) : '', `${cell(path, PATH_COLUMNS)}:${offset}`])
    })
    const unnamed = lines - BigInt(places.length)
    if (unnamed > 0n) table.push(['', '', `and ${grouped(unnamed)} more`])
  }
  return table.toString()
}

interface Row {
  names: string[]
  usage: Usage
}

function rowsOf(analyzed: Analyzed, by: Breakdown): { heads: string[]; rows: Row[] } {
  const { answer, priceOf } = analyzed
  const granularity = GRANULARITY_OF[by]
  if (granularity !== undefined) {
    return {
      heads: [titled(by)],
      rows: seriesOf(analyzed, granularity).map((usage) => ({ names: [usage.label], usage })),
    }
  }
  if (by === 'model')
    return {
      heads: ['Model'],
      rows: usageByModel(answer.whole, priceOf).map((usage) => ({ names: [usage.model], usage })),
    }
  if (by === 'session')
    return {
      heads: ['Session', 'Project', 'Last activity'],
      rows: sessionsOf(analyzed).map((usage) => ({
        names: [usage.id, usage.project, new Date(usage.lastActivityAt).toISOString()],
        usage,
      })),
    }
  const dimension = LISTED_DIMENSIONS.find((name) => name === by)
  return {
    heads: [titled(by)],
    rows: usageByValue(dimension === undefined ? [] : groupsOf(answer, [dimension]), priceOf).map((usage) => ({
      names: [usage.value],
      usage,
    })),
  }
}

function numbers({ tokens, recordCount, costUsd }: Usage): string[] {
  const { input, output, cacheCreation, cacheRead, total } = tokens
  const counts = [input, output, cacheCreation, cacheRead, total, recordCount].map(grouped)
  return [...counts, costUsd === null ? 'unpriced' : costUsd.toFixed(2)]
}

const grouped = (value: bigint | number): string => value.toLocaleString('en-US')
const count = (n: number | bigint, noun: string): string => `${grouped(n)} ${noun}${BigInt(n) === 1n ? '' : 's'}`
