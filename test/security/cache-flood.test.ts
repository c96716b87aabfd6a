// A viewer who asks many different questions, each with a large answer, exhausted the heap in four minutes.
import { describe, expect, test } from 'vitest'
import { sizeOf } from '../../src/domain/size-of.ts'
import type { TokenAnswer, UsageSums } from '../../src/domain/token-query.ts'
import type { CachedAnswer } from '../../src/ports/answer-cache.ts'
import { createDerived } from '../../src/reading/derived.ts'
import { createAnswerCache } from '../../src/redis/answer-cache.ts'

const MAX_BYTES = 16 << 20

const sums = (model: string): UsageSums => ({
  model,
  tier: 0,
  input: 1n,
  output: 2n,
  cacheRead: 3n,
  cacheCreation5m: 4n,
  cacheCreation1h: 5n,
  records: 6n,
})
const answerOf = (slots: number, from: number): TokenAnswer => ({
  whole: [sums('a')],
  firstAt: from,
  lastAt: from,
  groups: {
    slot: Array.from({ length: slots }, (_, i) => ({
      values: [],
      start: from + i * 900_000,
      usage: [sums('a'), sums('b')],
    })),
  },
})
const cachedOf = (slots: number, from = 0): CachedAnswer => ({
  watermark: 'w',
  answer: { answers: [answerOf(slots, from)], quality: undefined, asOf: 1, watermark: 'w', sample: false },
})

describe('a flood of questions', () => {
  test('with large answers keeps no more bytes than it may, and the latest of them', async () => {
    const cache = createAnswerCache({
      redisUrl: undefined,
      secrets: [],
      maxBytes: MAX_BYTES,
      onProblem: () => undefined,
    })
    const one = sizeOf(cachedOf(2000))
    // all of them would be many times too much
    expect(one * 456).toBeGreaterThan(20 * MAX_BYTES)
    for (let i = 0; i < 456; i++) {
      await cache.set(`question ${i}`, cachedOf(2000, i))
      expect(cache.bytes()).toBeLessThanOrEqual(MAX_BYTES)
    }
    // of those that nobody asked a second time
    expect(cache.bytes()).toBeGreaterThan(MAX_BYTES / 4 - 2 * one)
    expect(cache.bytes()).toBeLessThanOrEqual(MAX_BYTES / 4)
    expect(await cache.get('question 455')).toEqual(cachedOf(2000, 455))
    expect(await cache.get('question 0')).toBeUndefined()
    await cache.close()
  })

  test('none of which is asked twice drives out nothing that was, and these may have all of the memory', async () => {
    const cache = createAnswerCache({
      redisUrl: undefined,
      secrets: [],
      maxBytes: MAX_BYTES,
      onProblem: () => undefined,
    })
    const one = sizeOf(cachedOf(2000))
    const many = Math.floor((MAX_BYTES * 0.7) / one)
    const asked = async (name: string, i: number): Promise<boolean> => {
      const isKept = (await cache.get(name)) !== undefined
      if (!isKept) await cache.set(name, cachedOf(2000, i))
      return isKept
    }
    for (let i = 0; i < many; i++) for (let time = 0; time < 2; time++) await asked(`dashboard ${i}`, i)
    for (let i = 0; i < 456; i++) await asked(`question ${i}`, i)
    for (let i = 0; i < many; i++) expect(await asked(`dashboard ${i}`, i)).toBe(true)
    // a newer answer to one of them takes its place
    await cache.set('dashboard 0', cachedOf(2000, 7))
    expect(await cache.get('dashboard 0')).toEqual(cachedOf(2000, 7))
    expect(cache.bytes()).toBeLessThanOrEqual(MAX_BYTES)
    await cache.close()
  })

  test('does not drive out all others by one that is larger than a share of the memory', async () => {
    const cache = createAnswerCache({
      redisUrl: undefined,
      secrets: [],
      maxBytes: MAX_BYTES,
      onProblem: () => undefined,
    })
    await cache.set('small', cachedOf(10))
    await cache.set('large', cachedOf(20_000))
    expect(await cache.get('large')).toBeUndefined()
    expect(await cache.get('small')).toEqual(cachedOf(10))
    await cache.close()
  })

  test('of series keeps no more of them than it may', () => {
    const derived = createDerived(MAX_BYTES)
    const answer = answerOf(1, 0)
    let computed = 0
    const series = (zone: number) => () => {
      computed++
      return Array.from({ length: 8784 }, (_, i) => ({ label: `${zone} ${i}`, tokens: { total: 5n } }))
    }
    for (let zone = 0; zone < 300; zone++) {
      void derived.of(answer, `series ${zone}`, 'ann', series(zone))
      expect(derived.bytes()).toBeLessThanOrEqual(MAX_BYTES)
    }
    void derived.of(answer, 'series 299', 'ann', series(299))
    expect(computed).toBe(300)
  })
})

describe('what follows from an answer', () => {
  test('is computed once while it is computed, and again where it failed', async () => {
    const derived = createDerived(1 << 20)
    const answer = answerOf(1, 0)
    let computed = 0
    const compute = async () => {
      computed++
      await new Promise(setImmediate)
      if (computed === 1) throw new Error('failed')
      return computed
    }
    const first = [derived.of(answer, 'k', 'ann', compute), derived.of(answer, 'k', 'ann', compute)]
    await expect(Promise.all(first)).rejects.toThrow('failed')
    expect(
      await Promise.all([derived.of(answer, 'k', 'ann', compute), derived.of(answer, 'k', 'ann', compute)]),
    ).toEqual([2, 2])
    expect(await derived.of(answer, 'k', 'ann', compute)).toBe(2)
    expect(await derived.of(answerOf(1, 1), 'k', 'ann', compute)).toBe(3)
  })
})

describe('the size of a value', () => {
  test('is about what the heap says', () => {
    const gc = (globalThis as { gc?: () => void }).gc
    const values: unknown[] = []
    gc?.()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 20; i++) values.push(answerOf(5000, i))
    gc?.()
    const grown = process.memoryUsage().heapUsed - before
    const estimated = values.reduce<number>((sum, value) => sum + sizeOf(value), 0)
    // without a collection, what was thrown away is still counted
    expect(estimated).toBeGreaterThan(grown / 4)
  })
})
