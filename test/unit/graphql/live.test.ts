import {
  type ExecutionResult,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  parse,
} from 'graphql'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BridgeError } from '../../../src/domain/errors.ts'
import type { RequestContext } from '../../../src/graphql/context.ts'
import { checkCost } from '../../../src/graphql/cost-plugin.ts'
import { LiveAnswers, subscribeLive } from '../../../src/graphql/live.ts'
import type { SourceAnswer } from '../../../src/ports/token-source.ts'
import { createAnswers } from '../../../src/reading/answers.ts'
import { type Asking, createCachedSource } from '../../../src/reading/cached-source.ts'
import { createChanges } from '../../../src/reading/changes.ts'
import { TEST_PRICES } from '../../support/test-prices.ts'
import { until } from '../../support/until.ts'

const provenance = new GraphQLObjectType({
  name: 'Provenance',
  fields: { asOf: { type: GraphQLString }, cache: { type: GraphQLString }, source: { type: GraphQLString } },
})
const metrics = new GraphQLObjectType<{ from: number }, RequestContext>({
  name: 'TokenMetrics',
  fields: {
    count: {
      type: GraphQLInt,
      resolve: async ({ from }, _, { answers }) =>
        (await answers.load({ filter: { from }, preference: 'AUTO' }, 'whole')).answer.sessionCount,
    },
    provenance: {
      type: provenance,
      resolve: async ({ from }, _, { answers }) =>
        (await answers.load({ filter: { from }, preference: 'AUTO' }, 'whole')).provenance,
    },
  },
})
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { nothing: { type: GraphQLInt } } }),
  subscription: new GraphQLObjectType({
    name: 'Subscription',
    fields: {
      live: {
        type: new GraphQLNonNull(metrics),
        args: { from: { type: GraphQLInt } },
        subscribe: (_, __, context: RequestContext) => new LiveAnswers(context),
        resolve: (_, { from }) => ({ from }),
      },
    },
  }),
})

/** A source that counts one number, and how often it is asked at once, over the real cache and answers. */
function scene({ lookMs = 10, intervalMs = 20, answerMs = 0 } = {}) {
  let count = 1
  let asOf = 1
  let flag = true
  let spent = false
  const charged: number[] = []
  const running = new Map<string, number>()
  const asked: string[] = []
  let twice = 0
  let looks = 0
  let refusals = 0
  const answer = async (key: string): Promise<SourceAnswer> => {
    asked.push(key)
    running.set(key, (running.get(key) ?? 0) + 1)
    if ((running.get(key) as number) > 1) twice++
    const now = count
    await new Promise((resolve) => setTimeout(resolve, answerMs))
    running.set(key, (running.get(key) as number) - 1)
    const one = { whole: [], groups: [], sessionCount: now, firstAt: undefined, lastAt: undefined }
    return { answers: [one as never], quality: undefined, asOf, watermark: String(now), sample: false }
  }
  const kept = new Map<string, never>()
  const source = createCachedSource({
    source: {
      source: 'LEGACY',
      world: 'test',
      answer: ({ queries }) => answer(String(queries[0]?.filter.from)),
      counted: () => ({ watermark: String(count), asOf }),
      health: () => ({ state: 'UP', detail: '' }),
    },
    cache: {
      get: async (key: string) => kept.get(key),
      set: async (key: string, value: unknown) => void kept.set(key, value as never),
    } as never,
    generation: () => 0,
    prices: TEST_PRICES,
    asking: new Map() as Asking,
  })
  const changes = createChanges({
    standing() {
      looks++
      return `${count} ${asOf} ${flag}`
    },
    standingOf: () => '',
    whenCurrent: async () => undefined,
    lookMs,
    intervalMs,
  })
  const contextOf = (userId: string): RequestContext => {
    const notes: RequestContext['notes'] = { answers: [], errors: [] }
    const decision = { source: 'LEGACY', reason: 'ROLLOUT', cohort: null } as const
    return {
      notes,
      principal: { userId, roles: ['viewer'], access: [{}] },
      viewer: { realTimeUpdates: flag },
      answers: createAnswers({
        caller: userId,
        access: [{}],
        sourceOf: () => source,
        decide: () => decision,
        migrationProgress: 0,
        lacking: async () => ({ inFiles: false, everywhere: false }),
        onFallback: () => undefined,
        onAnswer: ({ source, reason, cache }) => void notes.answers.push({ source, reason, cache }),
      }),
      budgets: {
        cost: {
          take(_user: string, cost: number) {
            if (spent) refusals++
            if (spent) throw new BridgeError('RATE_LIMITED', 'come back', { retryAfterSeconds: 0.05 })
            charged.push(cost)
          },
          add: (_user: string, cost: number) => void charged.push(cost),
        },
      },
      follow: () => changes.follow(userId),
      anew: () => contextOf(userId),
    } as unknown as RequestContext
  }
  const subscribe = async (user = 'ann', fields = 'count provenance { asOf cache source }', from = 0) => {
    const document = parse(`subscription { live(from: ${from}) { ${fields} } }`)
    const contextValue = contextOf(user)
    checkCost({ schema, document, context: contextValue })
    const stream = await subscribeLive({ schema, document, contextValue })
    if (!(Symbol.asyncIterator in stream)) throw new Error('no stream')
    onTestFinished(async () => void (await stream.return?.()))
    return stream
  }
  const countOf = ({ value }: IteratorResult<ExecutionResult>) =>
    (value?.data as { live: { count: number } } | undefined)?.live.count
  return {
    subscribe,
    countOf,
    charged,
    asked,
    twice: () => twice,
    looks: () => looks,
    refusals: () => refusals,
    change(to: number) {
      count = to
      asOf++
    },
    /** Looked at again, and the same. */
    touch() {
      asOf++
    },
    spend(is: boolean) {
      spent = is
    },
    switchOff() {
      flag = false
    },
  }
}

/** Reads all values as they come. */
function read(stream: AsyncIterableIterator<ExecutionResult>, countOf: ReturnType<typeof scene>['countOf']) {
  const values: (number | undefined)[] = []
  let error: unknown
  void (async () => {
    for (;;) {
      const next = await stream.next()
      if (next.done) return
      values.push(countOf(next))
    }
  })().catch((thrown: unknown) => (error = thrown))
  return { values, error: () => error }
}

describe('a live answer', () => {
  test('that is another one in nothing but the moment and the way of it is not told again', async () => {
    const { subscribe, countOf, change, touch, charged } = scene()
    const { values } = read(await subscribe(), countOf)
    await until('the first', () => values.length > 0 || undefined)
    const before = charged.length
    touch()
    await until('it to be asked for again', () => charged.length > before || undefined)
    change(7)
    await until('the second', () => values.length > 1 || undefined)
    expect(values).toEqual([1, 7])
  })

  test('is paid for each time, and where nothing is left the latest comes when there is something again', async () => {
    const { subscribe, countOf, change, charged, spend, refusals } = scene()
    const { values } = read(await subscribe(), countOf)
    await until('the first', () => values.length > 0 || undefined)
    const first = charged.reduce((sum, cost) => sum + cost, 0)
    expect(first).toBeGreaterThan(200)
    change(2)
    await until('the second', () => values.length > 1 || undefined)
    expect(charged.reduce((sum, cost) => sum + cost, 0)).toBe(2 * first)
    spend(true)
    change(3)
    await until('a refusal', () => refusals() > 0 || undefined)
    change(4)
    expect(values).toEqual([1, 2])
    spend(false)
    await until('the latest', () => values.length > 2 || undefined)
    expect(values).toEqual([1, 2, 4])
  })

  test('is for a slow reader the latest one, and nothing waits for them', async () => {
    const { subscribe, countOf, change, asked, looks } = scene()
    const stream = await subscribe()
    expect(countOf(await stream.next())).toBe(1)
    for (let i = 2; i < 20; i++) {
      change(i)
      const before = looks()
      await until('a look', () => looks() > before || undefined)
    }
    // nobody asked for what nobody would read
    expect(asked).toHaveLength(1)
    expect(countOf(await stream.next())).toBe(19)
    expect(asked).toHaveLength(2)
  })

  test('is computed once for all who follow the same question, whatever else they follow', async () => {
    const { subscribe, countOf, change, twice, asked } = scene({ answerMs: 10 })
    const all: ReturnType<typeof read>[] = []
    for (let user = 0; user < 20; user++)
      for (const from of [0, 1, 2]) all.push(read(await subscribe(`user-${user}`, 'count', from), countOf))
    for (const to of [2, 3, 4]) {
      change(to)
      await until('all', () => all.every(({ values }) => values.at(-1) === to) || undefined)
    }
    expect(twice()).toBe(0)
    // three questions; each change may come while one is answered, which is then asked once more
    expect(asked.length).toBeLessThanOrEqual(3 * 2 * 4)
  })

  test('ends with a reason when it is turned off, and is refused from then on', async () => {
    const { subscribe, countOf, switchOff } = scene()
    const { values, error } = read(await subscribe(), countOf)
    await until('the first', () => values.length > 0 || undefined)
    switchOff()
    expect(await until('its end', error)).toMatchObject({ code: 'FORBIDDEN' })
    await expect(subscribe()).rejects.toThrow('no stream')
  })

  test('that is given up while it waits settles at once', async () => {
    const { subscribe, countOf } = scene()
    const stream = await subscribe()
    expect(countOf(await stream.next())).toBe(1)
    const next = stream.next()
    await stream.return?.()
    expect(await next).toEqual({ done: true, value: undefined })
  })
})
