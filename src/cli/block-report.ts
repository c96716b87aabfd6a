import Table from 'cli-table3'
import type { Block, BurnRate, Projection } from '../domain/blocks.ts'
import { count, grouped } from '../domain/counted.ts'
import type { Usage } from '../domain/usage.ts'
import { FIGURES, figuresOf } from './analyzed-sheet.ts'
import { cell } from './cell.ts'
import { shortName } from './model-name.ts'
import { momentJson, usageJson } from './report.ts'
import type { Sheet } from './sheet.ts'
import { PLAIN, styledTable } from './tables.ts'
import type { StyledLine } from './terminal.ts'

/** A block, with what follows from it now. */
export interface ToldBlock extends Block {
  whole: Usage
  isActive: boolean
  burnRate: BurnRate | undefined
  /** Of the active one. */
  projection: Projection | undefined
}

/** What `blocks` prints. */
export interface ToldBlocks {
  blocks: ToldBlock[]
  timeZone: string
  /** Tokens that a block may use; absent: nobody says. */
  limit: bigint | undefined
  /** `max` was asked for, and no block is over. */
  lacksLimit?: boolean
  /** The last one that there is, told or not. */
  latest?: Block | undefined
  now: number
}

/** The JSON of `blocks`: times as RFC 3339, counts as decimal strings, `null` where there is nothing to tell. */
export function blocksJson({ blocks, timeZone, limit }: ToldBlocks) {
  return {
    timeZone,
    limit: limit === undefined ? null : String(limit),
    blocks: blocks.map((block) => ({
      start: momentJson(block.start),
      end: momentJson(block.end),
      firstAt: momentJson(block.firstAt),
      lastAt: momentJson(block.lastAt),
      isActive: block.isActive,
      models: modelsOf(block),
      ...usageJson(block.whole),
      burnRate: block.burnRate ?? null,
      projection:
        block.projection === undefined ? null : { ...block.projection, tokens: String(block.projection.tokens) },
      limit: limit === undefined ? null : againstLimit(block, limit),
    })),
  }
}

export type LimitStatus = 'ok' | 'near' | 'over'

/** Percent of the limit that count as near it. */
const NEAR = 80

/** What a block used of a limit, and what it is going to. */
export function againstLimit({ whole, projection }: ToldBlock, limit: bigint) {
  const used = percentOf(whole.tokens.total, limit)
  const projected = projection === undefined ? null : percentOf(projection.tokens, limit)
  const highest = projected ?? used
  const status: LimitStatus = highest > 100 ? 'over' : highest > NEAR ? 'near' : 'ok'
  const left = limit - whole.tokens.total
  return { percentUsed: used, percentProjected: projected, tokensLeft: String(left < 0n ? 0n : left), status }
}

/** To a tenth of a percent. */
const percentOf = (tokens: bigint, limit: bigint): number => Number((tokens * 1000n) / limit) / 10

export const blocksSheet = ({ blocks, limit }: ToldBlocks): Sheet => ({
  names: ['start', 'end', 'active', 'models'],
  figures: [...FIGURES, 'tokens_per_minute', 'percent_of_limit'],
  rows: blocks.map((block) => ({
    names: [iso(block.start), iso(block.end), String(block.isActive), modelsOf(block).join(' ')],
    figures: [
      ...figuresOf(block.whole),
      block.burnRate?.tokensPerMinute.toFixed(1) ?? '',
      limit === undefined ? '' : String(againstLimit(block, limit).percentUsed),
    ],
  })),
})

const iso = (time: number): string => new Date(time).toISOString()

const modelsOf = ({ usage }: ToldBlock): string[] => [...new Set(usage.map(({ model }) => model))].sort()

/** Columns that a table needs to show the day of an end, and which models were used. */
const WIDE = 110
const MODEL_COLUMNS = 40

/** One table, as people read it, and what there is to say about the active block. */
export function blockLines(told: ToldBlocks, maxColumns: number): StyledLine[] {
  const { blocks, limit, timeZone, lacksLimit = false } = told
  const active = blocks.find((block) => block.isActive)
  if (blocks.length === 0) return [nothingSelected(told)]
  const wide = maxColumns >= WIDE
  const table = new Table({
    ...PLAIN,
    head: [
      ...['Start', 'End', 'State'],
      ...(wide ? ['Models'] : []),
      ...['Total', 'Cost USD'],
      ...(limit === undefined ? [] : ['% of limit']),
    ],
    colAligns: [...(wide ? (['left'] as const) : []), 'left', 'left', 'left', 'right', 'right', 'right'],
  })
  for (const block of blocks) {
    const { whole } = block
    table.push([
      momentOf(block.start, timeZone),
      wide ? momentOf(block.end, timeZone) : clockOf(block.end, timeZone),
      block.isActive ? 'active' : lasted(block),
      ...(wide ? [cell(modelsOf(block).map(shortName).join(', '), MODEL_COLUMNS)] : []),
      grouped(whole.tokens.total),
      whole.costUsd === null ? 'unpriced' : whole.costUsd.toFixed(2),
      ...(limit === undefined ? [] : [againstLimit(block, limit).percentUsed.toFixed(1)]),
    ])
  }
  return [
    ...styledTable(table.toString(), false),
    `${count(blocks.length, 'block')}, time zone ${timeZone}`,
    ...(active === undefined ? ['no block is active'] : activeLines(active, told)),
    ...(lacksLimit ? ['limit: none yet, as max is the most of a block that is over, and there is none'] : []),
  ]
}

const nothingSelected = ({ latest, timeZone }: ToldBlocks): string =>
  latest === undefined
    ? 'No block: there are no records.'
    : `No block: the latest is from ${momentOf(latest.start, timeZone)} to ${momentOf(latest.end, timeZone)}, ${timeZone}.`

function activeLines(block: ToldBlock, { limit, timeZone, now }: ToldBlocks): StyledLine[] {
  const { burnRate, projection } = block
  const left = `active for ${duration(now - block.start)}, ${duration(block.end - now)} left`
  if (burnRate === undefined || projection === undefined) return [left]
  const perHour = burnRate.costUsdPerHour === null ? '' : `, USD ${burnRate.costUsdPerHour.toFixed(2)} an hour`
  const cost = projection.costUsd === null ? '' : ` and USD ${projection.costUsd.toFixed(2)}`
  return [
    left,
    `rate: ${grouped(Math.round(burnRate.tokensPerMinute))} tokens a minute${perHour}`,
    `at this rate: ${grouped(projection.tokens)} tokens${cost} at ${momentOf(block.end, timeZone)}`,
    ...(limit === undefined ? [] : [limitLine(block, limit)]),
  ]
}

const STYLE_OF = { ok: 'green', near: 'yellow', over: 'red' } as const satisfies Record<LimitStatus, string>

function limitLine(block: ToldBlock, limit: bigint): StyledLine {
  const { percentUsed, percentProjected, status } = againstLimit(block, limit)
  const text = `limit: ${percentUsed.toFixed(1)} % of ${grouped(limit)} used, ${percentProjected?.toFixed(1)} % at this rate`
  return { text: `${text}${status === 'over' ? ': too much' : ''}`, style: STYLE_OF[status] }
}

/** `2026-04-02 09:15`. */
const momentOf = (time: number, timeZone: string): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(time)

/** `09:15`. */
const clockOf = (time: number, timeZone: string): string => momentOf(time, timeZone).slice(-5)

const lasted = ({ firstAt, lastAt }: ToldBlock): string => `used ${duration(lastAt - firstAt)}`

/** `2h 43m`. */
export function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  return minutes < 60 ? `${minutes}m` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`
}
