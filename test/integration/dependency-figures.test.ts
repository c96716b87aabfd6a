// What is told of Redis, and of breakers, by what a real Redis does behind a way that can be cut.
import { randomUUID } from 'node:crypto'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { createDependencyFigures } from '../../src/observability/figures/dependencies.ts'
import { POLICIES } from '../../src/policies/policies.ts'
import type { AnswerCache, CachedAnswer } from '../../src/ports/answer-cache.ts'
import { type BreakerState, hearMeasured } from '../../src/ports/measured.ts'
import { createAnswerCache } from '../../src/redis/answer-cache.ts'
import { connect, SHIPPED, says, startOddUnleash } from '../support/odd-unleash.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const COMMAND = POLICIES.redis.command
const OPEN_MS = 200

async function openCache(redisUrl: string): Promise<AnswerCache> {
  const cache = createAnswerCache({
    redisUrl,
    secrets: [Buffer.alloc(32, 7)],
    maxBytes: 1 << 20,
    onProblem: () => undefined,
    policy: { ...COMMAND, breaker: { ...COMMAND.breaker, openMs: OPEN_MS } },
  })
  onTestFinished(() => cache.close())
  await until('Redis', () => cache.health().state === 'UP' || undefined)
  return cache
}

function openFigures() {
  const figures = createDependencyFigures()
  onTestFinished(figures.close)
  return figures
}

const EMPTY: CachedAnswer = {
  watermark: 'w',
  answer: {
    answers: [],
    quality: undefined,
    asOf: 1,
    watermark: 'w',
    sample: false,
  },
}

describe('the figures of Redis', () => {
  test('count what was found, was not, was kept and failed, with how long it took', async () => {
    const proxy = await startProxy(inject('redisUrl'))
    const [writer, reader] = [await openCache(inject('redisUrl')), await openCache(proxy.url)]
    const { redis } = openFigures()
    const counts = () => Object.fromEntries([...redis()].map(([outcome, { count }]) => [outcome, count]))
    const [key, late] = [randomUUID(), randomUUID()]
    for (const one of [key, late]) await writer.set(one, EMPTY)
    expect(counts()).toEqual({ kept: 2 })
    expect(await reader.get(key)).toBeDefined()
    expect(await reader.get(randomUUID())).toBeUndefined()
    // which memory has by now
    expect(await reader.get(key)).toBeDefined()
    expect(counts()).toEqual({ kept: 2, hit: 1, miss: 1 })
    const before = redis().get('hit')?.sum ?? 0
    proxy.delay(60)
    expect(await reader.get(late)).toBeDefined()
    expect((redis().get('hit')?.sum ?? 0) - before).toBeGreaterThanOrEqual(0.06)
    await proxy.cut()
    expect(await reader.get(randomUUID())).toBeUndefined()
    expect(counts()).toEqual({ kept: 2, hit: 2, miss: 1, failed: 1 })
  })
})

describe('the state of a breaker', () => {
  /** All states from now on, as they are told, in order. */
  function statesOf(kind: string): BreakerState[] {
    const states: BreakerState[] = []
    onTestFinished(hearMeasured('breaker', ({ of, state }) => void (of === kind && states.push(state))))
    return states
  }

  test('goes from closed to open, half-open and closed with a Redis that goes and comes back', async () => {
    const { breakers } = openFigures()
    const proxy = await startProxy(inject('redisUrl'))
    const cache = await openCache(proxy.url)
    const states = statesOf('redis command')
    expect(breakers().get('redis command')).toBe('closed')
    await proxy.cut()
    for (let i = 1; i < COMMAND.breaker.failures; i++) await cache.get(randomUUID())
    expect(breakers().get('redis command')).toBe('closed')
    await cache.get(randomUUID())
    expect(breakers().get('redis command')).toBe('open')
    // a trial that fails opens it again
    await until('a trial', async () => {
      await cache.get(randomUUID())
      return states.length > 2 || undefined
    })
    await proxy.restore()
    await until('it to be closed', async () => {
      await cache.get(randomUUID())
      return breakers().get('redis command') === 'closed' || undefined
    })
    expect(states.slice(0, 4)).toEqual(['open', 'half-open', 'open', 'half-open'])
    expect(states.at(-1)).toBe('closed')
    expect(states.filter((state) => state === 'closed')).toHaveLength(1)
  })

  test('is told of Unleash by its own name, and of nothing else', async () => {
    const { breakers } = openFigures()
    const server = await startOddUnleash(says(SHIPPED))
    const { poll } = POLICIES.unleash
    await connect(server.url, { policy: { ...poll, breaker: { ...poll.breaker, openMs: OPEN_MS } } })
    server.say((response) => response.writeHead(503).end())
    await until('it to be left alone', () => breakers().get('unleash poll') === 'open' || undefined)
    expect([...breakers()].filter(([, state]) => state !== 'closed').map(([kind]) => kind)).toEqual(['unleash poll'])
    server.say(says(SHIPPED))
    await until('it to be well again', () => breakers().get('unleash poll') === 'closed' || undefined)
  })
})

describe('/metrics', () => {
  const metricsOf = async (server: TestServer): Promise<string> => {
    const headers = { authorization: `Bearer ${await server.token(['scraper'])}` }
    return (await fetch(`${server.url}/metrics`, { headers })).text()
  }
  const figure = (text: string, series: string): number | undefined => {
    const line = text.split('\n').find((one) => one.startsWith(`token_bridge_${series} `))
    return line === undefined ? undefined : Number(line.split(' ').at(-1))
  }
  const breaker = (state: BreakerState) => `breaker_state{dependency="redis",use="command",state="${state}"}`

  test('tell that Redis is connected, what was asked of it, that it is away, and that it is left alone', async () => {
    const proxy = await startProxy(inject('redisUrl'))
    const server = await startServer(makeFolder(), { REDIS_URL: proxy.url })
    let asked = 0
    /** Another question each time, which Redis is asked for. */
    const ask = () =>
      server.ask('query ($p: String!) { tokenMetrics(filter: { projects: [$p] }) { recordCount } }', {
        p: `${asked++} ${randomUUID()}`,
      })
    await until('Redis', async () => figure(await metricsOf(server), 'redis_connected') === 1 || undefined)
    await ask()
    const text = await until('an answer to be kept', async () => {
      const told = await metricsOf(server)
      return figure(told, 'redis_answer_seconds_count{outcome="kept"}') === undefined ? undefined : told
    })
    expect(figure(text, 'redis_answer_seconds_count{outcome="miss"}')).toBe(1)
    expect(figure(text, 'redis_answer_seconds_bucket{outcome="miss",le="+Inf"}')).toBe(1)
    expect(figure(text, 'redis_answer_seconds_sum{outcome="miss"}')).toBeGreaterThan(0)
    expect([figure(text, breaker('closed')), figure(text, breaker('open'))]).toEqual([1, 0])
    await proxy.cut()
    const away = await until('the breaker to open', async () => {
      expect((await ask()).errors).toBeUndefined()
      const told = await metricsOf(server)
      return figure(told, breaker('open')) === 1 ? told : undefined
    })
    expect(figure(away, breaker('closed'))).toBe(0)
    expect(figure(away, 'redis_connected')).toBe(0)
    expect(figure(away, 'redis_answer_seconds_count{outcome="failed"}')).toBeGreaterThan(0)
  })
})
