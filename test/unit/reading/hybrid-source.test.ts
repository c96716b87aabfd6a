import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../../src/domain/limits.ts'
import { EVERYTHING } from '../../../src/domain/scope.ts'
import type { TokenAnswer, TokenQuery, UsageSums } from '../../../src/domain/token-query.ts'
import { createHybridSource } from '../../../src/reading/database-sources.ts'
import { turnOf } from '../../../src/turns/event-loop.ts'
import { TEST_PRICES } from '../../support/test-prices.ts'

const sums: UsageSums = {
  model: 'm',
  tier: 0,
  input: 1n,
  output: 1n,
  cacheRead: 0n,
  cacheCreation5m: 0n,
  cacheCreation1h: 0n,
  records: 1n,
}

/** An answer with so many sessions, of one sum each, beside the whole. */
const half = (side: string, sessions: number): TokenAnswer => ({
  whole: [sums],
  firstAt: 1,
  lastAt: 2,
  groups: {},
  sessions: Array.from({ length: sessions }, (_, i) => ({
    id: `${side}-${i}`,
    project: 'p',
    user: 'ann',
    host: 'laptop',
    startedAt: 1,
    lastActivityAt: 2,
    latestPath: 'p/a.jsonl',
    latestOffset: i,
    usage: [sums],
  })),
})

/** None of its sessions is one of the files. */
function asAsked({ sessions = [], ...answer }: TokenAnswer, query: TokenQuery): TokenAnswer {
  return { ...answer, sessionCount: sessions.length, ...(query.sessions === true ? { sessions } : {}) }
}

/** The hybrid source over two halves that are there already. */
function scene(ofDatabase: TokenAnswer, ofFiles: TokenAnswer) {
  const world = { isRead: false }
  const source = createHybridSource({
    files: {
      source: 'LEGACY',
      world: '',
      counted: () => ({ watermark: '', asOf: 0 }),
      health: () => ({ state: 'UP', detail: '' }),
      answer: () => Promise.reject(new Error('not asked')),
      answerUnpublished: async () => ({
        answers: [ofFiles],
        quality: undefined,
        asOf: 0,
        watermark: '',
        sample: false,
        identities: new Uint8Array(0),
        lacking: [],
      }),
    },
    published: {
      answer: async ({ queries }) => [asAsked(ofDatabase, queries[0] as TokenQuery)],
      copiesIn: async () => [],
    },
    async read(run) {
      const result = await run()
      world.isRead = true
      return result
    },
    prices: TEST_PRICES,
    archivedTokens: async () => 0n,
    logsBeyond: async () => [],
    generation: () => 0,
    seq: () => 0,
    health: () => ({ state: 'UP', detail: '' }),
  })
  return { source, world }
}

describe('the hybrid source', () => {
  test('gives way to others while it merges large halves, and holds up no publication meanwhile', async () => {
    const { source, world } = scene(half('a', 100_000), half('b', 100_000))
    let turns = 0
    let merging = true
    const count = (): void => {
      if (world.isRead) turns++
      if (merging) setImmediate(count)
    }
    setImmediate(count)
    const { answers } = await source.answer(
      { queries: [{ filter: {}, groupings: [], sessions: true }], access: EVERYTHING, quality: false },
      'ann',
    )
    merging = false
    expect(answers[0]?.sessions).toHaveLength(200_000)
    expect(answers[0]?.sessionCount).toBe(200_000)
    expect(turns).toBeGreaterThan(3)
  })

  test('merges what others may wait for, too, before all the small things that its caller asked', async () => {
    const { source } = scene(half('a', 50_000), half('b', 50_000))
    let others = 0
    let isMerged = false
    const busy = (): void => {
      if (isMerged) return
      others++
      for (const until = performance.now() + 0.2; performance.now() < until; );
    }
    const small = Array.from({ length: 5000 }, () => turnOf('ann').then(busy))
    await source.answer(
      { queries: [{ filter: {}, groupings: [], sessions: true }], access: EVERYTHING, quality: false },
      'ann',
    )
    isMerged = true
    // left to themselves, they would come while another test of this process has stopped the clock, and wait for ever
    await Promise.all(small)
    expect(others).toBeLessThan(2500)
  })

  test('refuses an answer with more sums than one may have, though each half has fewer', async () => {
    const most = LIMITS.answerSums.value
    const asked = { queries: [{ filter: {}, groupings: [], sessions: true }], access: EVERYTHING, quality: false }
    const fits = scene(half('a', most / 2), half('b', most / 2 - 1))
    expect((await fits.source.answer(asked)).answers[0]?.sessionCount).toBe(most - 1)
    const larger = scene(half('a', most / 2), half('b', most / 2))
    await expect(larger.source.answer(asked)).rejects.toMatchObject({ code: 'QUERY_TOO_EXPENSIVE' })
    // only counted, they are not in the answer
    const counted = await larger.source.answer({
      queries: [{ filter: {}, groupings: [], countSessions: true }],
      access: EVERYTHING,
      quality: false,
    })
    expect(counted.answers[0]?.sessionCount).toBe(most)
    expect(counted.answers[0]).not.toHaveProperty('sessions')
  })
})
