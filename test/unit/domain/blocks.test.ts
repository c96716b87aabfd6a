import { describe, expect, test } from 'vitest'
import {
  blocksOf,
  burnRateOf,
  isActive,
  largestBlock,
  projectionOf,
  type UsedHour,
} from '../../../src/domain/blocks.ts'
import { usageOf } from '../../../src/domain/usage.ts'

const HOUR = 3_600_000
const DAY = Date.UTC(2026, 3, 2)
/** A thousandth of a dollar. */
const PRICE = { input: 1_000_000_000n, output: 0n, cacheRead: 0n, cacheCreation5m: 0n, cacheCreation1h: 0n }
const priceOf = () => PRICE

const sums = (input: number, model = 'm') => ({
  ...{ model, tier: 0, input: BigInt(input), output: 0n, cacheRead: 0n, cacheCreation5m: 0n, cacheCreation1h: 0n },
  records: 1n,
})

/** An hour of that day in which something was used, from one minute to another. */
const used = (hour: number, input: number, from = 0, to = from): UsedHour => ({
  start: DAY + hour * HOUR,
  firstAt: DAY + hour * HOUR + from * 60_000,
  lastAt: DAY + hour * HOUR + to * 60_000,
  usage: [sums(input)],
})

const hoursOf = (time: number): number => (time - DAY) / HOUR

describe('blocks', () => {
  test('begin with the hour of the first record after the one before, and last five hours', () => {
    const blocks = blocksOf([used(9, 1, 30), used(13, 2, 59), used(14, 3), used(20, 4)], 5)
    expect(blocks.map(({ start, end }) => [hoursOf(start), hoursOf(end)])).toEqual([
      [9, 14],
      [14, 19],
      [20, 25],
    ])
    expect(blocks[0]).toMatchObject({ firstAt: DAY + 9.5 * HOUR, lastAt: DAY + 13 * HOUR + 59 * 60_000 })
    expect(blocks.map(({ usage }) => usage[0]?.input)).toEqual([3n, 3n, 4n])
  })

  test('are the same in whatever order hours come, and have as many hours as is said', () => {
    const hours = [used(3, 1), used(0, 1), used(2, 1), used(1, 1)]
    expect(blocksOf(hours, 2).map(({ start }) => hoursOf(start))).toEqual([0, 2])
    expect(blocksOf([], 5)).toEqual([])
  })

  test('are active from their start to before their end', () => {
    const [block] = blocksOf([used(9, 1)], 5)
    const activeAt = (hour: number) => block !== undefined && isActive(block, DAY + hour * HOUR)
    expect([8.99, 9, 13.99, 14].map(activeAt)).toEqual([false, true, true, false])
  })

  test('have a rate between their first record and their last, and a projection of the minutes that are left', () => {
    const [block] = blocksOf([used(9, 600, 0, 0), used(11, 600, 0)], 5)
    if (block === undefined) throw new Error('no block')
    const rate = burnRateOf(block, priceOf)
    expect(rate).toEqual({ tokensPerMinute: 10, tokensPerMinuteWithoutCache: 10, costUsdPerHour: 0.6 })
    if (rate === undefined) throw new Error('no rate')
    const projection = projectionOf(block, usageOf(block.usage, priceOf), rate, DAY + 13 * HOUR + 59_999)
    expect(projection).toEqual({ remainingMinutes: 59, tokens: 1790n, costUsd: expect.closeTo(1.79) })
    expect(burnRateOf({ ...block, lastAt: block.firstAt }, priceOf)).toBeUndefined()
    expect(burnRateOf(block, () => undefined)?.costUsdPerHour).toBeNull()
  })

  test('that are over say what one may use', () => {
    const blocks = blocksOf([used(0, 5), used(5, 7), used(10, 100)], 5)
    expect(largestBlock(blocks, DAY + 11 * HOUR)).toBe(7n)
    expect(largestBlock([], DAY)).toBe(0n)
  })
})
