import { type Block, blocksOf, burnRateOf, isActive, largestBlock, projectionOf } from '../domain/blocks.ts'
import type { PriceOf } from '../domain/cost.ts'
import { DIMENSION_NAMES } from '../domain/dimensions.ts'
import { usageOf } from '../domain/usage.ts'
import { type Format, type RangeOptions, readFormat, readRange, readTimeZone } from './analysis-options.ts'
import { blockLines, blocksJson, blocksSheet, type ToldBlock, type ToldBlocks } from './block-report.ts'
import { type CountingOptions, countTranscripts } from './count-transcripts.ts'
import { type Asked, selectionOf } from './selection.ts'
import { csvLines, markdownLines } from './sheet.ts'
import { printJson, printStyled, printWhole, tableColumns } from './terminal.ts'
import { UsageError } from './usage-error.ts'
import { HOURS, usedHours } from './used-hours.ts'

interface BlocksOptions extends RangeOptions, CountingOptions {
  timeZone: string
  order: 'asc' | 'desc'
  active?: boolean
  limit?: string
  hours: string
  user: string[]
  host: string[]
  format: Format
  json?: boolean
  compact?: boolean
}

/** `token-bridge blocks`: the windows that an agent's plan counts usage in. */
export async function showBlocks(options: BlocksOptions): Promise<void> {
  const now = Date.now()
  const timeZone = readTimeZone(options.timeZone)
  const format = readFormat(options)
  const hoursOfBlock = readHours(options.hours)
  const limit = readLimit(options.limit)
  const select = selecting(options, timeZone, now)
  const counted = await countTranscripts(options)
  try {
    const asked = { ...NOTHING_ASKED, user: options.user, host: options.host }
    const filter = selectionOf(asked, counted.analysis, counted.roots, counted.home)
    const [answer] = counted.analysis.answer([{ filter, groupings: [HOURS] }])
    if (answer === undefined) throw new Error('no answer')
    const all = blocksOf(usedHours(counted.analysis, filter, answer), hoursOfBlock)
    const { createGenaiPriceList } = await import('../pricing/genai-price-list.ts')
    const { priceOf } = createGenaiPriceList()
    const known = limit === 'max' ? positive(largestBlock(all, now)) : limit
    print(
      {
        // selecting may turn them round
        latest: all.at(-1),
        blocks: select(all).map((block) => toldBlock(block, priceOf, now)),
        timeZone,
        limit: known,
        lacksLimit: known !== limit && known === undefined,
        now,
      },
      format,
      options,
    )
  } finally {
    counted.end()
  }
}

const NOTHING_ASKED = Object.fromEntries(DIMENSION_NAMES.map((name) => [name, []])) as unknown as Asked

/** A history without a block that is over says nothing about a limit. */
const positive = (tokens: bigint): bigint | undefined => (tokens > 0n ? tokens : undefined)

function print(told: ToldBlocks, format: Format, { compact = false }: BlocksOptions): void {
  if (format === 'json') printJson(blocksJson(told))
  else if (format === 'csv') printWhole(csvLines(blocksSheet(told)))
  else if (format === 'markdown') printWhole(markdownLines(blocksSheet(told)))
  else printStyled(blockLines(told, tableColumns(compact)))
}

function toldBlock(block: Block, priceOf: PriceOf, now: number): ToldBlock {
  const whole = usageOf(block.usage, priceOf)
  const burnRate = burnRateOf(block, priceOf)
  const active = isActive(block, now)
  return {
    ...block,
    whole,
    isActive: active,
    burnRate,
    projection: active && burnRate !== undefined ? projectionOf(block, whole, burnRate, now) : undefined,
  }
}

/** Which blocks are told, in which order. They are made of all records: where a block begins depends on the one before. */
function selecting(options: BlocksOptions, timeZone: string, now: number): (blocks: Block[]) => Block[] {
  const count = options.last !== undefined && /^[1-9]\d{0,3}$/.test(options.last) ? Number(options.last) : undefined
  const { from = 0, to = Number.POSITIVE_INFINITY } = readRange(options, timeZone, 'DAY', now)
  return (blocks) => {
    const counted =
      count === undefined ? blocks.filter(({ start }) => start >= from && start < to) : blocks.slice(-count)
    const told = options.active === true ? counted.filter((block) => isActive(block, now)) : counted
    return options.order === 'desc' ? told.reverse() : told
  }
}

function readHours(text: string): number {
  const hours = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (hours < 1 || hours > 168) throw new UsageError(`--hours must be a whole number from 1 to 168, not "${text}"`)
  return hours
}

function readLimit(text: string | undefined): bigint | 'max' | undefined {
  if (text === undefined || text === 'max') return text
  const digits = text.replaceAll(/[,_]/g, '')
  if (!/^[1-9]\d{0,17}$/.test(digits))
    throw new UsageError(`--limit must be a number of tokens above 0, or max, not "${text}"`)
  return BigInt(digits)
}
