// One suite for every cache: what readers rely on holds with Redis, without it, and with one that fails.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { breakdownKey } from '../../src/domain/cuts.ts'
import { POLICIES, type Policy } from '../../src/policies/policies.ts'
import type { AnswerCache, CachedAnswer } from '../../src/ports/answer-cache.ts'
import { type BoundedAnswerCache, createAnswerCache } from '../../src/redis/answer-cache.ts'
import { createSeal } from '../../src/redis/seal.ts'
import { startRedis } from '../support/redis-setup.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

const sums = {
  model: 'größe',
  tier: 2,
  input: 2n ** 70n,
  output: 1n,
  cacheRead: 0n,
  cacheCreation5m: 3n,
  cacheCreation1h: 4n,
  records: 1n,
}
const session = {
  id: 's',
  project: 'p',
  user: 'u',
  host: 'h',
  startedAt: 5,
  lastActivityAt: 6,
  latestPath: '/p/a.jsonl',
  latestOffset: 7,
  usage: [sums],
}
const cached = (watermark: string): CachedAnswer => ({
  watermark,
  answer: {
    answers: [
      {
        whole: [sums],
        sessionCount: 1,
        firstAt: 5,
        lastAt: 6,
        groups: {
          user: [{ values: ['ann'], start: 0, usage: [sums] }],
          slot: [{ values: [], start: 900_000, usage: [sums] }],
          'project host slot': [{ values: ['p', 'h'], start: 900_000, usage: [sums] }],
        },
        sessions: [session],
        sessionPages: { '["COST_ASC",1]': [session] },
        breakdowns: {
          [breakdownKey({ by: ['session', 'model'], buckets: undefined, first: 1, orderBy: 'COST_DESC' })]: {
            told: [{ values: ['s', 'm'], start: 0, usage: [sums] }],
            others: [{ values: [], start: 0, usage: [sums] }],
          },
        },
        pricedBy: 'prices',
      },
      { whole: [], sessionCount: 0, firstAt: undefined, lastAt: undefined, groups: {} },
    ],
    quality: {
      duplicateLines: 7n,
      conflictingCopies: 3n,
      refused: [{ reason: 'malformed_json', count: 1n }],
      whole: [sums],
      archivedTokens: 0n,
      unshippedBytes: 9n,
    },
    asOf: 10,
    watermark,
    sample: false,
  },
})

const SECRET = Buffer.alloc(32, 7)

function open(redisUrl: string | undefined, policy?: Policy): BoundedAnswerCache {
  const cache = createAnswerCache({
    redisUrl,
    secrets: [SECRET],
    maxBytes: 1 << 24,
    onProblem: () => undefined,
    ...(policy === undefined ? {} : { policy }),
  })
  onTestFinished(() => cache.close())
  return cache
}

const up = (cache: AnswerCache) => until('Redis', () => (cache.health().state === 'UP' ? true : undefined))

describe.each(['memory alone', 'memory before Redis', 'a Redis that does not answer'])('a cache with %s', (kind) => {
  const url = () =>
    kind === 'memory alone' ? undefined : kind === 'memory before Redis' ? inject('redisUrl') : 'redis://127.0.0.1:1'

  test('gives back what was kept, to the last digit, and nothing for what was not', async () => {
    const cache = open(url())
    const key = randomUUID()
    expect(await cache.get(key)).toBeUndefined()
    await cache.set(key, cached('w1'))
    expect(await cache.get(key)).toEqual(cached('w1'))
    await cache.set(key, cached('w2'))
    expect(await cache.get(key)).toMatchObject({ watermark: 'w2' })
  })

  test('never fails, also when it was closed', async () => {
    const cache = open(url())
    await cache.close()
    await cache.set(randomUUID(), cached('w'))
    expect(await cache.get(randomUUID())).toBeUndefined()
  })

  test('says how it is', () => {
    const { state, ageMs } = open(url()).health()
    expect(state).toBe(kind === 'memory alone' ? 'OFF' : 'DEGRADED')
    expect(ageMs).toEqual(kind === 'memory alone' ? undefined : expect.any(Number))
  })
})

describe('a cache in Redis', () => {
  test('is shared by instances, with every digit', async () => {
    const [a, b] = [open(inject('redisUrl')), open(inject('redisUrl'))]
    await Promise.all([up(a), up(b)])
    const key = randomUUID()
    await a.set(key, cached('w1'))
    expect(await b.get(key)).toEqual(cached('w1'))
  })

  test('gives what it found to memory, which keeps it, and counts its bytes', async () => {
    const proxy = await startProxy(inject('redisUrl'))
    const [writer, reader] = [open(inject('redisUrl')), open(proxy.url)]
    await Promise.all([up(writer), up(reader)])
    const key = randomUUID()
    await writer.set(key, cached('w1'))
    expect(await reader.get(key)).toEqual(cached('w1'))
    await proxy.cut()
    for (let time = 0; time < 2; time++) expect(await reader.get(key)).toEqual(cached('w1'))
    expect(reader.bytes()).toBeGreaterThan(writer.bytes() / 2)
  })

  test('is not sent a large answer, which memory keeps', async () => {
    const [a, b] = [open(inject('redisUrl')), open(inject('redisUrl'))]
    await Promise.all([up(a), up(b)])
    const key = randomUUID()
    const large = cached('w1')
    large.answer.answers[0] = { whole: Array.from({ length: 5000 }, () => sums), firstAt: 5, lastAt: 6, groups: {} }
    await a.set(key, large)
    expect(await a.get(key)).toEqual(large)
    expect(await b.get(key)).toBeUndefined()
  })

  test('is believed where it was sealed by one of our secrets, under its own key', async () => {
    const redis = new Redis(inject('redisUrl'))
    onTestFinished(() => redis.disconnect())
    const writer = open(inject('redisUrl'))
    await up(writer)
    const key = randomUUID()
    await writer.set(key, cached('w1'))
    const [stored] = await redis.keys(`*${key}*`)
    const value = ((await redis.get(stored as string)) as string).slice(43)
    await redis.set(
      stored as string,
      createSeal([SECRET]).seal((stored as string).replace(/^token-bridge:/, ''), value),
    )
    const reader = open(inject('redisUrl'))
    await up(reader)
    expect(await reader.get(key)).toEqual(cached('w1'))
  })

  test.each([
    'garbage',
    '{}',
    '{"value":"{}","createdAt":1,"logicalExpiration":9999999999999}',
    '{"value":{"watermark":"w"},"createdAt":1,"logicalExpiration":9999999999999}',
    JSON.stringify({
      value: '{"watermark":"w","answer":{"answers":[{"whole":[{"input":"-5"}]}],"asOf":1}}',
      createdAt: 1,
      logicalExpiration: 9e12,
    }),
    '\u0000\u0001',
  ])('takes foreign bytes for nothing: %j', async (bytes) => {
    const redis = new Redis(inject('redisUrl'))
    onTestFinished(() => redis.disconnect())
    const writer = open(inject('redisUrl'))
    await up(writer)
    const key = randomUUID()
    await writer.set(key, cached('w1'))
    const [stored] = await redis.keys(`*${key}*`)
    // by one who has our secret: what is not sealed is read by nobody
    await redis.set(
      stored as string,
      createSeal([SECRET]).seal((stored as string).replace(/^token-bridge:/, ''), bytes),
    )
    const reader = open(inject('redisUrl'))
    await up(reader)
    expect(await reader.get(key)).toBeUndefined()
    await reader.set(key, cached('w2'))
    expect(await reader.get(key)).toMatchObject({ watermark: 'w2' })
  })

  test('that goes away costs nothing but speed, and is used again when it is back', async () => {
    const proxy = await startProxy(inject('redisUrl'))
    const cache = open(proxy.url)
    await up(cache)
    const key = randomUUID()
    await cache.set(key, cached('w1'))
    await proxy.cut()
    expect(await cache.get(key)).toMatchObject({ watermark: 'w1' })
    await cache.set(key, cached('w2'))
    expect(await cache.get(key)).toMatchObject({ watermark: 'w2' })
    await until('the problem', () => (cache.health().state === 'DEGRADED' ? true : undefined))
    await proxy.restore()
    await up(cache)
  })

  test.each(['*99999999999\r\n', '*-5\r\n', '$99999999999\r\n', '%#!', '-\r\n', ':x\r\n'])(
    'that answers bytes that no Redis would answer is none: %j',
    async (bytes) => {
      let answered = 0
      const stranger = createServer((socket) => {
        socket.on('error', () => undefined)
        socket.on('data', () => {
          answered++
          socket.write(bytes)
        })
      })
      await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void stranger.close())
      const { port } = stranger.address() as { port: number }
      const cache = open(`redis://127.0.0.1:${port}`)
      await until('it to be asked', () => answered > 0 || undefined)
      const key = randomUUID()
      await cache.set(key, cached('w1'))
      expect(await cache.get(key)).toMatchObject({ watermark: 'w1' })
      expect(cache.health().state).toBe('DEGRADED')
    },
  )

  test('that has no room says so until it has, and costs nothing but speed', async () => {
    const { url, stop } = await startRedis()
    onTestFinished(stop)
    const operator = new Redis(url)
    onTestFinished(() => operator.disconnect())
    const cache = open(url)
    await up(cache)
    await operator.config('SET', 'maxmemory', '1')
    const key = randomUUID()
    await cache.set(key, cached('w1'))
    expect(await cache.get(key)).toMatchObject({ watermark: 'w1' })
    expect(cache.health()).toMatchObject({ state: 'DEGRADED', detail: expect.stringMatching(/^it keeps nothing: OOM/) })
    await operator.config('SET', 'maxmemory', '0')
    await cache.set(key, cached('w2'))
    expect(cache.health()).toMatchObject({ state: 'UP', detail: 'connected' })
  })

  test('that failed several times in a row is left alone: nothing is kept in it, and nothing waits for it', async () => {
    const proxy = await startProxy(inject('redisUrl'))
    const { command } = POLICIES.redis
    const other = open(inject('redisUrl'))
    await up(other)
    const key = randomUUID()
    await other.set(key, cached('w1'))
    /** A cache whose Redis was away for as many questions as are put in vain. */
    const leftAlone = async (openMs: number): Promise<AnswerCache> => {
      const cache = open(proxy.url, { ...command, breaker: { ...command.breaker, openMs } })
      await up(cache)
      await proxy.cut()
      for (let i = 0; i < command.breaker.failures; i++) expect(await cache.get(randomUUID())).toBeUndefined()
      await proxy.restore()
      return cache
    }
    const cache = await leftAlone(command.breaker.openMs)
    await until('it to be connected again', () => cache.health().detail.includes('left alone') || undefined)
    expect(await cache.get(key)).toBeUndefined()
    await cache.set(randomUUID(), cached('w1'))
    expect(cache.health().state).toBe('DEGRADED')
    const patient = await leftAlone(100)
    await until('it to be asked again', async () => ((await patient.get(key)) === undefined ? undefined : true))
    for (let trial = 1; trial < command.breaker.trials; trial++) await patient.get(randomUUID())
    expect(patient.health()).toMatchObject({ state: 'UP', detail: 'connected' })
  })
})
