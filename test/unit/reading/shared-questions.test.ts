import { expect, test } from 'vitest'
import { LIMITS } from '../../../src/domain/limits.ts'
import { EVERYTHING } from '../../../src/domain/scope.ts'
import type { CachedAnswer } from '../../../src/ports/answer-cache.ts'
import type { SourceAnswer, SourceRequest, TokenSource } from '../../../src/ports/token-source.ts'
import { createCachedSource } from '../../../src/reading/cached-source.ts'
import { createTurns } from '../../../src/turns/in-turn.ts'
import { TEST_PRICES } from '../../support/test-prices.ts'

const question = (from: number): SourceRequest => ({
  queries: [{ filter: { from }, groupings: [] }],
  access: EVERYTHING,
  quality: false,
})
const DASHBOARD = question(-1)

/** A source that answers one question at a time, callers take turns, each when it is told to. */
function scene() {
  const inTurn = createTurns({ atOnce: 1 })
  const asked: [string | undefined, number | undefined][] = []
  const gates: (() => void)[] = []
  const state = { watermark: 'w1' }
  const source: TokenSource = {
    source: 'CLICKHOUSE',
    world: 'here',
    health: () => ({ state: 'UP', detail: '' }),
    counted: () => ({ watermark: state.watermark, asOf: 1 }),
    answer: (request, caller) =>
      inTurn(caller ?? '', async (): Promise<SourceAnswer> => {
        const { watermark } = state
        asked.push([caller, request.queries[0]?.filter.from])
        await new Promise<void>((resolve) => gates.push(resolve))
        return { answers: [], quality: undefined, asOf: 1, watermark, sample: false }
      }),
  }
  const kept = new Map<string, CachedAnswer>()
  const cached = createCachedSource({
    source,
    cache: {
      get: async (key) => kept.get(key),
      set: async (key, value) => void kept.set(key, value),
      health: () => ({ state: 'OFF', detail: '' }),
      close: async () => undefined,
    },
    generation: () => 0,
    prices: TEST_PRICES,
    canFallBack: true,
  })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  const flood = async (count: number) => {
    for (let from = 0; from < count; from++) void cached.answer(question(from), 'mallory').catch(() => undefined)
    await settle()
  }
  const answerOne = async () => {
    gates.shift()?.()
    await settle()
  }
  return { state, cached, asked, settle, flood, answerOne }
}

test('who asks what a flooder has queued waits in a queue of their own, also where the log has grown', async () => {
  const { state, cached, asked, settle, flood, answerOne } = scene()
  await flood(20)
  void cached.answer(DASHBOARD, 'mallory')
  await settle()
  const ann = cached.answer(DASHBOARD, 'ann')
  state.watermark = 'w2'
  const bob = cached.answer(DASHBOARD, 'bob')
  await settle()
  // mallory's first, one more of hers that was next already, and then ann's, and bob's, who knows of more
  for (let i = 0; i < 4; i++) await answerOne()
  await Promise.all([ann, bob])
  expect(asked.filter(([caller]) => caller === 'mallory').length).toBeLessThan(5)
})

test('a question that many ask at once is put to the source once', async () => {
  const { cached, asked, settle, answerOne } = scene()
  const answers = Array.from({ length: 50 }, (_, i) => cached.answer(DASHBOARD, `user ${i}`))
  await settle()
  await answerOne()
  await Promise.all(answers)
  expect(asked).toEqual([['user 0', -1]])
})

test('several questions that many ask at once are put a few times, however many ask', async () => {
  const { cached, asked, settle, answerOne } = scene()
  const answers: Promise<unknown>[] = []
  for (let user = 0; user < 50; user++)
    for (let from = 0; from < 3; from++) answers.push(cached.answer(question(from), `user ${user}`))
  await settle()
  for (let i = 0; i < 6; i++) await answerOne()
  await Promise.all(answers)
  expect(asked.length).toBeLessThanOrEqual(6)
})

test('that one caller has too many questions is told to nobody else', async () => {
  const { cached, settle, flood, answerOne } = scene()
  await flood(LIMITS.pendingQuestions.value + 1)
  const refused = cached.answer(DASHBOARD, 'mallory')
  const ann = cached.answer(DASHBOARD, 'ann')
  await expect(refused).rejects.toMatchObject({ code: 'OVERLOADED' })
  await settle()
  for (let i = 0; i < 3; i++) await answerOne()
  expect((await ann).cache).toBe('MISS')
})
