import { describe, expect, test } from 'vitest'
import { type Grouping, groupingKey } from '../../../src/domain/dimensions.ts'
import { BridgeError } from '../../../src/domain/errors.ts'
import { EVERYTHING } from '../../../src/domain/scope.ts'
import type { TokenFilter } from '../../../src/domain/token-query.ts'
import type { CachedAnswer } from '../../../src/ports/answer-cache.ts'
import type { SourceAnswer, TokenSource } from '../../../src/ports/token-source.ts'
import { createCachedSource } from '../../../src/reading/cached-source.ts'
import { HOURS } from '../../support/bucketed.ts'
import { TEST_PRICES } from '../../support/test-prices.ts'

const REQUEST = { queries: [{ filter: {}, groupings: [] }], access: EVERYTHING, quality: false }

/** A source whose log grows when it is told to, and a cache that is a map. */
function scene(options: { canFallBack?: boolean } = {}) {
  const state = { watermark: 'w1', asOf: 1, asked: 0, generation: 0, failing: false, ready: true }
  const kept = new Map<string, CachedAnswer>()
  let gate: Promise<void> = Promise.resolve()
  const source: TokenSource = {
    source: 'LEGACY',
    world: 'here',
    health: () => ({ state: 'UP', detail: '' }),
    counted: () => (state.ready ? { watermark: state.watermark, asOf: state.asOf } : undefined),
    async answer({ queries }): Promise<SourceAnswer> {
      state.asked++
      const { watermark, asOf } = state
      await gate
      if (state.failing || !state.ready) throw new BridgeError('SOURCE_UNAVAILABLE', 'away')
      const answers = queries.map(({ groupings }) => ({
        whole: [],
        firstAt: undefined,
        lastAt: undefined,
        groups: Object.fromEntries(groupings.map((grouping) => [groupingKey(grouping), []])),
      }))
      return { answers, quality: undefined, asOf, watermark, sample: false }
    },
  }
  const failures: unknown[] = []
  const cached = createCachedSource({
    source,
    cache: {
      get: async (key) => kept.get(key),
      set: async (key, value) => void kept.set(key, value),
      health: () => ({ state: 'OFF', detail: '' }),
      close: async () => undefined,
    },
    generation: () => state.generation,
    prices: TEST_PRICES,
    // what is not held answers before any timer
    refreshWaitMs: 0,
    onRefreshFailed: (error) => void failures.push(error),
    ...options,
  })
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    return resolve
  }
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  const status = async () => (await cached.answer(REQUEST)).cache
  return { state, cached, hold, settle, status, failures }
}

describe('a cached source', () => {
  test('is a HIT for what asks the same in another order', async () => {
    const { cached } = scene()
    const ask = async (filter: TokenFilter, groupings: Grouping[]) =>
      (await cached.answer({ queries: [{ filter, groupings }], access: EVERYTHING, quality: false })).cache
    expect(await ask({ users: ['b', 'a'], models: ['m'] }, [['user'], [HOURS, 'project']])).toBe('MISS')
    expect(await ask({ models: ['m', 'm'], users: ['a', 'b'] }, [['project', HOURS], ['user']])).toBe('HIT')
    expect(await ask({ models: ['m'], users: ['a'] }, [['project', HOURS], ['user']])).toBe('MISS')
  })

  test('is a MISS at first and a HIT while nothing changes, as of the latest look', async () => {
    const { state, cached, status } = scene()
    expect(await status()).toBe('MISS')
    state.asOf = 7
    expect(await cached.answer(REQUEST)).toMatchObject({ cache: 'HIT', answer: { asOf: 7 } })
    expect(state.asked).toBe(1)
  })

  test('refreshes an older answer, and waits for the new one', async () => {
    const { state, cached, status } = scene()
    await status()
    state.watermark = 'w2'
    expect(await cached.answer(REQUEST)).toMatchObject({ cache: 'MISS', answer: { watermark: 'w2' } })
    expect(await status()).toBe('HIT')
    expect(state.asked).toBe(2)
  })

  test('serves an older answer STALE while one refresh takes longer, then the new one', async () => {
    const { state, status, hold, settle } = scene()
    await status()
    state.watermark = 'w2'
    const release = hold()
    expect([await status(), await status(), await status()]).toEqual(['STALE', 'STALE', 'STALE'])
    expect(state.asked).toBe(2)
    release()
    await settle()
    expect(await status()).toBe('HIT')
    expect(state.asked).toBe(2)
  })

  test('never gives an answer that was begun before what its asker knows of', async () => {
    const { state, cached, hold, settle } = scene()
    const watermark = async () => (await cached.answer(REQUEST)).answer.watermark
    const release = hold()
    const first = watermark()
    await settle()
    state.watermark = 'w2'
    const second = watermark()
    await settle()
    state.watermark = 'w3'
    const others = [watermark(), watermark()]
    await settle()
    release()
    expect(await first).toBe('w1')
    expect(await Promise.all([second, ...others])).toEqual(['w3', 'w3', 'w3'])
    expect(state.asked).toBe(2)
  })

  test('where another source can answer, keeps nobody waiting for a second deadline of one that is away', async () => {
    const { state, cached, hold, settle } = scene({ canFallBack: true })
    const told = () => cached.answer(REQUEST).catch((error: BridgeError) => error.code)
    const release = hold()
    const first = told()
    await settle()
    state.watermark = 'w2'
    const second = told()
    await settle()
    state.failing = true
    // whoever was asked again would have no answer either
    hold()
    release()
    expect(await Promise.all([first, second])).toEqual(['SOURCE_UNAVAILABLE', 'SOURCE_UNAVAILABLE'])
    expect(state.asked).toBe(1)
  })

  test('puts the same question to the source once at a time', async () => {
    const { state, cached, hold } = scene()
    const release = hold()
    const asked = Promise.all([cached.answer(REQUEST), cached.answer(REQUEST), cached.answer(REQUEST)])
    release()
    expect((await asked).map(({ cache }) => cache)).toEqual(['MISS', 'MISS', 'MISS'])
    expect(state.asked).toBe(1)
  })

  test('keeps questions, and generations, apart', async () => {
    const { state, cached, status } = scene()
    await status()
    expect((await cached.answer({ ...REQUEST, quality: true })).cache).toBe('MISS')
    expect((await cached.answer({ ...REQUEST, queries: [{ filter: { users: ['a'] }, groupings: [] }] })).cache).toBe(
      'MISS',
    )
    state.generation = 1
    expect(await status()).toBe('MISS')
  })

  test('keeps no failure: a failed refresh leaves the stale answer, a failed miss is told', async () => {
    const { state, cached, status, failures } = scene()
    await status()
    state.failing = true
    state.watermark = 'w2'
    expect(await status()).toBe('STALE')
    expect(failures).toHaveLength(1)
    expect(await status()).toBe('STALE')
    await expect(cached.answer({ ...REQUEST, quality: true })).rejects.toThrow('away')
    state.failing = false
    expect(await status()).toBe('MISS')
    expect(await status()).toBe('HIT')
  })

  test('passes by a source that is not ready', async () => {
    const { state, cached } = scene()
    state.ready = false
    await expect(cached.answer(REQUEST)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
  })

  test('where another source can answer, a stale answer is served only while it can be refreshed', async () => {
    const { state, status, hold, settle, failures } = scene({ canFallBack: true })
    expect(await status()).toBe('MISS')
    state.watermark = 'w2'
    state.failing = true
    const release = hold()
    expect(await status()).toBe('STALE')
    release()
    await settle()
    expect(failures).toHaveLength(1)
    await expect(status()).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
    state.failing = false
    expect(await status()).toBe('MISS')
    expect(await status()).toBe('HIT')
    state.failing = true
    state.watermark = 'w3'
    await expect(status()).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
    expect(failures).toHaveLength(1)
  })

  test('knows which questions fail, however many fail after them', async () => {
    const { state, status, cached, hold } = scene({ canFallBack: true })
    await status()
    state.watermark = 'w2'
    state.failing = true
    await expect(status()).rejects.toThrow('away')
    for (let i = 0; i < 1500; i++) {
      const queries = [{ filter: { projects: [`p${i}`] }, groupings: [] }]
      await expect(cached.answer({ queries, access: EVERYTHING, quality: false })).rejects.toThrow('away')
    }
    // after the wait of a question that is not known to fail, which is over at once
    setTimeout(hold(), 5)
    await expect(status()).rejects.toThrow('away')
  })
})
