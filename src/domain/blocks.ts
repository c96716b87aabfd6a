import type { PriceOf } from './cost.ts'
import { addUp } from './merge-answers.ts'
import { totalOfSums } from './token-counts.ts'
import type { UsageSums } from './token-query.ts'
import { type Usage, usageOf } from './usage.ts'

const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS

/** An hour of UTC in which something was used; times are milliseconds since 1970. */
export interface UsedHour {
  start: number
  firstAt: number
  lastAt: number
  usage: UsageSums[]
}

/** A window in which an agent's plan counts usage: it begins with the hour of the first record after the one before. */
export interface Block extends Omit<UsedHour, 'usage'> {
  /** Itself not part of it. */
  end: number
  /** Sums of each model and tier. */
  usage: UsageSums[]
}

/**
 * The blocks of so many hours, the earliest first. A block begins at a full hour, so each hour of UTC is in one alone. No
 * gap within a block can be as long as a block.
 */
export function blocksOf(hours: readonly UsedHour[], hoursOfBlock: number): Block[] {
  const blocks: Block[] = []
  for (const hour of hours.toSorted((a, b) => a.start - b.start)) {
    const last = blocks.at(-1)
    if (last === undefined || hour.start >= last.end)
      blocks.push({ ...hour, end: hour.start + hoursOfBlock * HOUR_MS, usage: [...hour.usage] })
    else {
      last.lastAt = hour.lastAt
      last.usage.push(...hour.usage)
    }
  }
  return blocks.map((block) => ({ ...block, usage: addUp(block.usage) }))
}

export const isActive = ({ start, end }: Pick<Block, 'start' | 'end'>, now: number): boolean =>
  now >= start && now < end

/** How fast something was used, between the first record of a block and its last. */
export interface BurnRate {
  tokensPerMinute: number
  /** Of input and output alone. */
  tokensPerMinuteWithoutCache: number
  /** `null` where nothing has a price. */
  costUsdPerHour: number | null
}

/** `undefined` where there is one moment alone. */
export function burnRateOf({ firstAt, lastAt, usage }: Block, priceOf: PriceOf): BurnRate | undefined {
  const minutes = (lastAt - firstAt) / MINUTE_MS
  if (minutes <= 0) return undefined
  const { tokens, costUsd } = usageOf(usage, priceOf)
  return {
    tokensPerMinute: Number(tokens.total) / minutes,
    tokensPerMinuteWithoutCache: Number(tokens.input + tokens.output) / minutes,
    costUsdPerHour: costUsd === null ? null : toMillionth((costUsd / minutes) * 60),
  }
}

/** What a block comes to at its end, if it goes on as up to now. */
export interface Projection {
  /** Whole minutes that are left. */
  remainingMinutes: number
  tokens: bigint
  costUsd: number | null
}

export function projectionOf(
  { end }: Block,
  { tokens, costUsd }: Usage,
  { tokensPerMinute, costUsdPerHour }: BurnRate,
  now: number,
): Projection {
  const remainingMinutes = Math.max(0, Math.floor((end - now) / MINUTE_MS))
  return {
    remainingMinutes,
    tokens: tokens.total + BigInt(Math.round(tokensPerMinute * remainingMinutes)),
    costUsd:
      costUsd === null || costUsdPerHour === null
        ? null
        : toMillionth(costUsd + (costUsdPerHour * remainingMinutes) / 60),
  }
}

/** As costs are told. */
const toMillionth = (usd: number): number => Math.round(usd * 1e6) / 1e6

/** The most tokens that a block had which is over: what somebody can use, as far as is known. */
export function largestBlock(blocks: readonly Block[], now: number): bigint {
  return blocks
    .filter((block) => !isActive(block, now))
    .map(({ usage }) => usage.reduce((sum, sums) => sum + totalOfSums(sums), 0n))
    .reduce((most, total) => (total > most ? total : most), 0n)
}
