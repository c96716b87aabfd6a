import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SharedCounts, Total, Use } from '../../../src/ports/budgets.ts'
import { type BudgetOptions, createBudget } from '../../../src/rates/budget.ts'
import { createSharing } from '../../../src/rates/sharing.ts'

const WINDOW_MS = 60_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const budgetOf = (most: number, more: Partial<BudgetOptions> = {}) =>
  createBudget({ name: 'cost', most, windowMs: WINDOW_MS, about: 'values', onRefused: () => undefined, ...more })

/** Seconds to wait, where it is refused. */
const refused = (take: () => void): number | undefined => {
  try {
    take()
    return undefined
  } catch (error) {
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryable: true })
    return (error as { retryAfterSeconds: number }).retryAfterSeconds
  }
}

describe('a budget', () => {
  test('is used up, each caller by itself, and is there again when its window has ended', () => {
    const budget = budgetOf(10)
    budget.take('ann', 4)
    vi.advanceTimersByTime(20_500)
    budget.take('ann', 6)
    expect(refused(() => budget.take('ann', 1))).toBe(40)
    budget.take('bob', 10)
    vi.advanceTimersByTime(39_400)
    expect(refused(() => budget.take('ann', 1))).toBe(1)
    vi.advanceTimersByTime(100)
    budget.take('ann', 10)
    expect(refused(() => budget.take('bob', 1))).toBe(21)
  })

  test('lets what is larger than itself pass, where nothing was used: it would be refused for ever', () => {
    const budget = budgetOf(10)
    budget.take('ann', 25)
    expect(refused(() => budget.take('ann', 1))).toBe(60)
  })

  test('counts what turned out to be more or less, and nothing of what was refused', () => {
    const budget = budgetOf(10)
    budget.take('ann', 8)
    expect(refused(() => budget.take('ann', 3))).toBe(60)
    budget.add('ann', -6)
    budget.take('ann', 8)
    budget.add('ann', 5)
    expect(budget.refusal('ann', 0)?.message).toBe('more than 10 values in 60 s: try again in 60 s')
  })

  test('has no more than itself where something is given back after its window has ended', () => {
    const budget = budgetOf(10)
    budget.take('ann', 9)
    vi.advanceTimersByTime(WINDOW_MS)
    budget.add('ann', -8)
    budget.take('ann', 10)
    expect(refused(() => budget.take('ann', 1))).toBe(60)
  })

  test('tells of each refusal', () => {
    const onRefused = vi.fn()
    const budget = budgetOf(1, { onRefused })
    budget.take('ann', 1)
    budget.refusal('ann', 1)
    refused(() => budget.take('ann', 1))
    expect(onRefused).toHaveBeenCalledTimes(2)
  })

  test('of 0 is none', () => {
    const budget = budgetOf(0)
    for (let n = 0; n < 100; n++) budget.take('ann', 1e9)
  })

  test('lasts no longer where the clock is set back', () => {
    const budget = budgetOf(1)
    budget.take('ann', 1)
    vi.setSystemTime(Date.now() - 3_600_000)
    budget.take('ann', 1)
    expect(refused(() => budget.take('ann', 1))).toBe(60)
  })

  test('remembers callers by bytes: whoever used nothing for longest is forgotten first', () => {
    const budget = budgetOf(1, { maxBytes: 400_000 })
    budget.take('first', 1)
    for (let n = 0; n < 500; n++) budget.take(`early ${n}`, 1)
    expect(refused(() => budget.take('first', 1))).toBe(60)
    for (let n = 0; n < 2000; n++) budget.take(`late ${n}`, 1)
    budget.take('first', 1)
  })
})

/** Counts that instances share, as Redis keeps them. */
function sharedCounts() {
  const counts = new Map<string, { total: number; endsAt: number }>()
  let isAway = false
  const connect = (): SharedCounts => ({
    async add(uses: readonly Use[]): Promise<Total[]> {
      if (isAway) throw new Error('away')
      return uses.map(({ key, amount, windowMs }) => {
        const known = counts.get(key)
        const count = known && known.endsAt > Date.now() ? known : { total: 0, endsAt: Date.now() + windowMs }
        count.total += amount
        counts.set(key, count)
        return { total: count.total, leftMs: count.endsAt - Date.now() }
      })
    },
    close: () => undefined,
  })
  return {
    instance: (most: number) => budgetOf(most, { sharing: createSharing({ counts: connect() }) }),
    goAway: (away: boolean) => {
      isAway = away
    },
    forget: () => counts.clear(),
  }
}

describe('a budget that instances share', () => {
  test('is one: what was used at one is heard by the others within 100 ms', async () => {
    const { instance } = sharedCounts()
    const [one, other] = [instance(10), instance(10)]
    one.take('ann', 6)
    await vi.advanceTimersByTimeAsync(100)
    other.take('ann', 3)
    await vi.advanceTimersByTimeAsync(100)
    expect(refused(() => other.take('ann', 2))).toBeGreaterThan(0)
    one.take('ann', 1)
    await vi.advanceTimersByTimeAsync(100)
    expect(refused(() => one.take('ann', 1))).toBeGreaterThan(0)
  })

  test('has one window: that of the first use anywhere', async () => {
    const { instance } = sharedCounts()
    const [one, other] = [instance(10), instance(10)]
    one.take('ann', 5)
    await vi.advanceTimersByTimeAsync(30_000)
    other.take('ann', 5)
    await vi.advanceTimersByTimeAsync(100)
    expect(refused(() => other.take('ann', 1))).toBe(30)
    await vi.advanceTimersByTimeAsync(30_000)
    for (const budget of [one, other]) budget.take('ann', 5)
  })

  test('is counted by each instance while nobody can be asked, and told later', async () => {
    const { instance, goAway } = sharedCounts()
    const [one, other] = [instance(10), instance(10)]
    goAway(true)
    one.take('ann', 6)
    other.take('ann', 6)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(refused(() => one.take('ann', 5))).toBe(50)
    one.take('ann', 1)
    goAway(false)
    await vi.advanceTimersByTimeAsync(100)
    one.take('ann', 1)
    await vi.advanceTimersByTimeAsync(100)
    expect(refused(() => one.take('ann', 1))).toBeGreaterThan(0)
  })

  test('is not used up by what was told before everything was forgotten', async () => {
    const { instance, forget } = sharedCounts()
    const [one] = [instance(10)]
    one.take('ann', 8)
    await vi.advanceTimersByTimeAsync(100)
    forget()
    one.take('ann', 1)
    await vi.advanceTimersByTimeAsync(100)
    one.take('ann', 9)
    expect(refused(() => one.take('ann', 1))).toBeGreaterThan(0)
  })
})
