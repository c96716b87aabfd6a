import { describe, expect, test } from 'vitest'
import { BridgeError } from '../../../src/domain/errors.ts'
import type { CachedAnswer } from '../../../src/ports/answer-cache.ts'
import type { SourceAnswer, TokenSource } from '../../../src/ports/token-source.ts'
import { createCachedSource } from '../../../src/reading/cached-source.ts'

const REQUEST = { queries: [{ filter: {}, groupings: [] }], quality: false }

/** A source whose log grows when it is told to, a cache that is a map, and a clock that is set by hand. */
function scene(options: { canFallBack?: boolean } = {}) {
  const state = { watermark: 'w1', asOf: 1, now: 0, asked: 0, generation: 0, failing: false, ready: true }
  const kept = new Map<string, CachedAnswer>()
  let gate: Promise<void> = Promise.resolve()
  const source: TokenSource = {
    source: 'LEGACY',
    world: 'here',
    health: () => ({ state: 'UP', detail: '' }),
    position: () => (state.ready ? { watermark: state.watermark, asOf: state.asOf } : undefined),
    async answer(): Promise<SourceAnswer> {
      state.asked++
      await gate
      if (state.failing || !state.ready) throw new BridgeError('SOURCE_UNAVAILABLE', 'away')
      return { answers: [], quality: undefined, asOf: state.asOf, watermark: state.watermark, sample: false }
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
    now: () => state.now,
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
  test('is a MISS at first and a HIT while nothing changes, as of the latest look', async () => {
    const { state, cached, status } = scene()
    expect(await status()).toBe('MISS')
    state.asOf = 7
    expect(await cached.answer(REQUEST)).toMatchObject({ cache: 'HIT', answer: { asOf: 7 } })
    expect(state.asked).toBe(1)
  })

  test('serves an older answer STALE while one refresh runs, then the new one', async () => {
    const { state, status, hold, settle } = scene()
    await status()
    state.watermark = 'w2'
    state.now = 2000
    const release = hold()
    expect([await status(), await status(), await status()]).toEqual(['STALE', 'STALE', 'STALE'])
    expect(state.asked).toBe(2)
    release()
    await settle()
    expect(await status()).toBe('HIT')
    expect(state.asked).toBe(2)
  })

  test('lets the watermark move at most once a second', async () => {
    const { state, status, settle } = scene()
    state.now = 5000
    await status()
    state.watermark = 'w2'
    expect(await status()).toBe('STALE')
    await settle()
    for (const watermark of ['w3', 'w4', 'w5']) {
      state.watermark = watermark
      state.now += 300
      expect(await status()).toBe('HIT')
    }
    state.now += 200
    state.watermark = 'w6'
    expect(await status()).toBe('STALE')
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
    const { state, cached, status, settle, failures } = scene()
    await status()
    state.failing = true
    state.watermark = 'w2'
    state.now = 2000
    expect(await status()).toBe('STALE')
    await settle()
    expect(failures).toHaveLength(1)
    expect(await status()).toBe('STALE')
    await expect(cached.answer({ ...REQUEST, quality: true })).rejects.toThrow('away')
    state.failing = false
    await status()
    await settle()
    expect(await status()).toBe('HIT')
  })

  test('passes by a source that is not ready', async () => {
    const { state, cached } = scene()
    state.ready = false
    await expect(cached.answer(REQUEST)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
  })

  test('where another source can answer, a stale answer is served only while it can be refreshed', async () => {
    const { state, status, settle, failures } = scene({ canFallBack: true })
    expect(await status()).toBe('MISS')
    state.watermark = 'w2'
    state.now = 5000
    state.failing = true
    expect(await status()).toBe('STALE')
    await settle()
    expect(failures).toHaveLength(1)
    await expect(status()).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
    state.failing = false
    expect(await status()).toBe('MISS')
    expect(await status()).toBe('HIT')
  })
})
