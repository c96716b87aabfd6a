import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PriceOf } from '../../../src/domain/cost.ts'
import { SESSION_ORDERS, type SessionOrder } from '../../../src/domain/cuts.ts'
import {
  cutSessions,
  pageSessions as pageCut,
  rankSessions,
  readSessionCut,
  sortSessions,
} from '../../../src/domain/session-page.ts'
import { eachCount } from '../../../src/domain/token-counts.ts'
import type { SessionUsage } from '../../../src/domain/token-query.ts'

/** A millionth of a dollar a token. */
const priceOf: PriceOf = (model) => (model === 'unknown' ? undefined : eachCount(() => 1_000_000n))

function pageSessions(sessions: SessionUsage[], first: number, after: string | undefined, order: SessionOrder) {
  const cut = readSessionCut(first, after, order)
  return pageCut(cutSessions(sortSessions([...rankSessions(sessions, order, priceOf)], order), cut), cut)
}

/** So many tokens cost as many millionths of a dollar: numbers that floating point cannot tell apart. */
const tokensOf = (n: number): bigint => BigInt(n) + 10n ** 20n

const session = (id: string, n: number, isPriced = true): SessionUsage => ({
  id,
  project: 'p',
  user: 'u',
  host: 'h',
  startedAt: n,
  lastActivityAt: n,
  latestPath: '/p',
  latestOffset: 0,
  usage: [{ model: isPriced ? 'm' : 'unknown', tier: 0, ...eachCount(() => 0n), input: tokensOf(n), records: 1n }],
})
const anySessions = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,3}$/), fc.nat({ max: 3 }), fc.boolean()), {
    selector: ([id]) => id,
    maxLength: 20,
  })
  .map((list) => list.map(([id, n, priced]) => session(id, n, priced)))

/** Their ids as an order means it: what has no price comes before the cheapest. */
function inOrder(sessions: readonly SessionUsage[], order: SessionOrder): string[] {
  const rankOf = ({ startedAt, usage }: SessionUsage): number =>
    order.startsWith('COST') && usage[0]?.model === 'unknown' ? -1 : startedAt
  const ascending = sessions.toSorted((a, b) => rankOf(a) - rankOf(b) || (a.id < b.id ? -1 : 1)).map(({ id }) => id)
  return order.endsWith('ASC') ? ascending : ascending.toReversed()
}

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
            seen.push(...page.edges.map(({ node }) => node.id))
            if (!page.hasNextPage) break
            after = page.endCursor ?? undefined
          }
          expect(seen).toEqual(pageSessions(sessions, 500, undefined, order).edges.map(({ node }) => node.id))
          expect(new Set(seen).size).toBe(sessions.length)
          expect(seen).toEqual(inOrder(sessions, order))
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
    })
    for (const first of [-1, 501])
      expect(() => pageSessions([], first, undefined, 'COST_ASC')).toThrow('first: must be from 0 to 500')
  })

  test.each([
    '',
    'nonsense',
    Buffer.from('[1,2]').toString('base64url'),
    Buffer.from('["TOKENS_DESC",null,"a"]').toString('base64url'),
    Buffer.from('["TOKENS_DESC","-0","a"]').toString('base64url'),
    Buffer.from('["TOKENS_DESC","01","a"]').toString('base64url'),
    Buffer.from('["TOKENS_DESC","5","no session"]').toString('base64url'),
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
