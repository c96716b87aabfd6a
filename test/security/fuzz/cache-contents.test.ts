import fc from 'fast-check'
import { expect, test } from 'vitest'
import { breakDown, groupingOf } from '../../../src/domain/breakdown.ts'
import { SESSION_ORDERS } from '../../../src/domain/cuts.ts'
import { dimensionsOf, type Grouping } from '../../../src/domain/dimensions.ts'
import { isSessionId } from '../../../src/domain/limits.ts'
import { EVERYTHING } from '../../../src/domain/scope.ts'
import { pageSessions, rankSessions, readSessionCut, sortSessions } from '../../../src/domain/session-page.ts'
import { groupsOf, type UsageSums } from '../../../src/domain/token-query.ts'
import { sessionMetrics, timeSeries, usageOf } from '../../../src/domain/usage.ts'
import { finished } from '../../../src/domain/work.ts'
import { DateTimeScalar } from '../../../src/graphql/scalars/date-time.ts'
import type { CachedAnswer } from '../../../src/ports/answer-cache.ts'
import type { SourceAnswer, TokenSource } from '../../../src/ports/token-source.ts'
import { createGenaiPriceList } from '../../../src/pricing/genai-price-list.ts'
import { createCachedSource } from '../../../src/reading/cached-source.ts'
import { decodeAnswer, encodeAnswer } from '../../../src/redis/answer-codec.ts'
import { damage, misshape, runs } from '../../support/mutations.ts'
import { TEST_PRICES } from '../../support/test-prices.ts'

const DAYS = { granularity: 'DAY', timeZone: 'Europe/Berlin' } as const
const { priceOf } = createGenaiPriceList()
const USAGE: UsageSums[] = [
  {
    model: 'claude-sonnet-4-5-20250929',
    tier: 2,
    input: 2n ** 70n,
    output: 1n,
    cacheRead: 2n,
    cacheCreation5m: 3n,
    cacheCreation1h: 4n,
    records: 1n,
  },
]
const BREAKDOWN = { by: ['project', 'host'], buckets: DAYS, first: 5, orderBy: 'COST_DESC' } as const
const GROUPINGS: Grouping[] = [['user'], [DAYS], groupingOf(BREAKDOWN)]
const REQUEST = {
  queries: [
    { filter: {}, groupings: GROUPINGS, sessions: true, countSessions: true },
    { filter: { users: ['ann'] }, groupings: [] },
  ],
  access: EVERYTHING,
  quality: true,
}
const session = {
  id: 's',
  project: 'p',
  user: 'u',
  host: 'h',
  startedAt: 5,
  lastActivityAt: 6,
  latestPath: '/p',
  latestOffset: 7,
}
const answerOf = (n: number): SourceAnswer => ({
  answers: [
    {
      whole: USAGE,
      sessionCount: 1,
      firstAt: 5,
      lastAt: 6,
      groups: {
        user: [{ values: ['ann'], start: 0, usage: USAGE }],
        'DAY Europe/Berlin': [{ values: [], start: -3_600_000, usage: USAGE }],
        'project host DAY Europe/Berlin': [{ values: ['p', 'h'], start: 900_000 * n, usage: USAGE }],
      },
      sessions: [{ ...session, usage: USAGE }],
    },
    { whole: [], firstAt: undefined, lastAt: undefined, groups: {} },
  ],
  quality: {
    duplicateLines: 7n,
    conflictingCopies: 3n,
    refused: [{ reason: 'malformed_json', count: 1n }],
    whole: USAGE,
    archivedTokens: 0n,
    unshippedBytes: 9n,
  },
  asOf: 10,
  watermark: 'now',
  sample: false,
})
const encoded = encodeAnswer({ watermark: 'now', answer: answerOf(1) })

const changed = fc.oneof(
  damage.map((harm) => harm(Buffer.from(encoded)).toString('utf8')),
  misshape.map((change) => JSON.stringify(change(JSON.parse(encoded))) ?? ''),
)

/** All that is made of an answer for whoever asks. */
function tell(answer: SourceAnswer): void {
  for (const [i, { groupings, sessions }] of REQUEST.queries.entries()) {
    const one = answer.answers[i] as SourceAnswer['answers'][number]
    usageOf(one.whole, priceOf)
    for (const time of [one.firstAt, one.lastAt, answer.asOf]) if (time !== undefined) DateTimeScalar.serialize(time)
    for (const grouping of groupings)
      for (const { values, start } of groupsOf(one, grouping)) {
        expect(values).toHaveLength(dimensionsOf(grouping).length)
        DateTimeScalar.serialize(start)
      }
    if (sessions === undefined) continue
    expect(one.sessionCount ?? 0).toBeLessThan(2 ** 31)
    for (const { label, start } of timeSeries(groupsOf(one, [DAYS]), DAYS, priceOf)) {
      DateTimeScalar.serialize(start)
      expect(label).toMatch(/^\d{4}-\d\d-\d\d$/)
    }
    for (const { values, isOther } of finished(breakDown(groupsOf(one, groupingOf(BREAKDOWN)), BREAKDOWN, priceOf)))
      expect(values).toHaveLength(isOther ? 0 : 2)
    for (const session of one.sessions ?? []) {
      const { startedAt, lastActivityAt } = sessionMetrics(session, priceOf)
      for (const at of [startedAt, lastActivityAt]) DateTimeScalar.serialize(at)
    }
    for (const order of SESSION_ORDERS) {
      const sorted = sortSessions([...rankSessions(one.sessions ?? [], order, priceOf)], order)
      const page = pageSessions(sorted, { order, first: 5 })
      if (page.endCursor !== null && page.edges.every(({ node }) => isSessionId(node.id)))
        readSessionCut(5, page.endCursor, order)
    }
  }
  for (const count of [answer.quality?.archivedTokens, answer.quality?.duplicateLines])
    expect(typeof count).toBe('bigint')
}

test('whatever stands in the cache is one answer to what is asked, or as if it were not there', async () => {
  let kept: CachedAnswer | undefined
  const source: TokenSource = {
    source: 'LEGACY',
    world: 'here',
    health: () => ({ state: 'UP', detail: '' }),
    counted: () => ({ watermark: 'now', asOf: 20 }),
    answer: async () => answerOf(2),
  }
  const cached = createCachedSource({
    source,
    cache: {
      get: async () => kept,
      set: async () => undefined,
      health: () => ({ state: 'OFF', detail: '' }),
      close: async () => undefined,
    },
    generation: () => 0,
    prices: TEST_PRICES,
    refreshWaitMs: 1000,
  })
  const statuses = new Set<string>()
  await fc.assert(
    fc.asyncProperty(changed, async (text) => {
      kept = decodeAnswer(text)
      const { answer, cache } = await cached.answer(REQUEST)
      statuses.add(cache)
      tell(answer)
      if (kept === undefined) expect(answer).toEqual(answerOf(2))
    }),
    runs(1500),
  )
  expect([...statuses].sort()).toEqual(['HIT', 'MISS'])
})
