import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  pageSessions as pageSorted,
  SESSION_ORDERS,
  type SessionOrder,
  sortSessions,
} from '../../../src/domain/session-page.ts'
import type { SessionMetrics } from '../../../src/domain/usage.ts'

const pageSessions = (sessions: SessionMetrics[], first: number, after: string | undefined, order: SessionOrder) =>
  pageSorted(sortSessions(sessions, order), first, after, order)

const session = (id: string, n: number, costUsd: number | null = n): SessionMetrics => ({
  id,
  project: 'p',
  user: 'u',
  host: 'h',
  startedAt: n,
  lastActivityAt: n,
  tokens: { input: 0n, output: 0n, cacheCreation: 0n, cacheRead: 0n, total: BigInt(n) * 10n ** 20n },
  recordCount: 1n,
  costUsd,
  byModel: [],
})
const anySessions = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,3}$/), fc.nat({ max: 3 }), fc.boolean()), {
    selector: ([id]) => id,
    maxLength: 20,
  })
  .map((list) => list.map(([id, n, priced]) => session(id, n, priced ? n : null)))

describe('pages of sessions', () => {
  test('together are all sessions, once each, in order, at any page size and order', () => {
    fc.assert(
      fc.property(
        anySessions,
        fc.constantFrom(...SESSION_ORDERS),
        fc.integer({ min: 1, max: 7 }),
        (sessions, order, size) => {
          const seen: string[] = []
          let after: string | undefined
          for (;;) {
            const page = pageSessions(sessions, size, after, order)
            expect(page.totalCount).toBe(sessions.length)
            seen.push(...page.edges.map(({ node }) => node.id))
            if (!page.hasNextPage) break
            after = page.endCursor ?? undefined
          }
          expect(seen).toEqual(pageSessions(sessions, 500, undefined, order).edges.map(({ node }) => node.id))
          expect(new Set(seen).size).toBe(sessions.length)
          const opposite = order.endsWith('ASC') ? order.replace('ASC', 'DESC') : order.replace('DESC', 'ASC')
          expect(
            pageSessions(sessions, 500, undefined, opposite as typeof order).edges.map(({ node }) => node.id),
          ).toEqual(seen.toReversed())
        },
      ),
    )
  })

  test('do not shift when sessions come or go before them', () => {
    const sessions = [session('a', 5), session('b', 4), session('c', 3), session('d', 2)]
    const { endCursor } = pageSessions(sessions, 2, undefined, 'TOKENS_DESC')
    const later = [session('new', 9), session('a', 5), ...sessions.slice(2)]
    expect(pageSessions(later, 2, endCursor ?? undefined, 'TOKENS_DESC').edges.map(({ node }) => node.id)).toEqual([
      'c',
      'd',
    ])
  })

  test('may be empty, and 500 at most', () => {
    expect(pageSessions([session('a', 1)], 0, undefined, 'COST_ASC')).toEqual({
      edges: [],
      hasNextPage: true,
      endCursor: null,
      totalCount: 1,
    })
    for (const first of [-1, 501])
      expect(() => pageSessions([], first, undefined, 'COST_ASC')).toThrow('first: must be from 0 to 500')
  })

  test.each([
    '',
    'nonsense',
    Buffer.from('[1,2]').toString('base64url'),
    Buffer.from('["TOKENS_DESC",null,"a"]').toString('base64url'),
    Buffer.from('["TOKENS_DESC","-1","a"]').toString('base64url'),
    Buffer.from('["TOKENS_DESC",5,6]').toString('base64url'),
  ])('refuse the cursor "%s", naming the argument', (cursor) => {
    expect(() => pageSessions([], 5, cursor, 'TOKENS_DESC')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', argument: 'after' }),
    )
  })

  test('refuse a cursor of another order', () => {
    const { endCursor } = pageSessions([session('a', 1)], 1, undefined, 'TOKENS_DESC')
    expect(() => pageSessions([], 5, endCursor ?? undefined, 'COST_DESC')).toThrow('another order')
  })
})
