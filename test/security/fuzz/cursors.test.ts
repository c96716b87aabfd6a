import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SESSION_ORDERS, type SessionOrder } from '../../../src/domain/cuts.ts'
import {
  cutSessions,
  pageSessions,
  rankSessions,
  readSessionCut,
  sortSessions,
} from '../../../src/domain/session-page.ts'
import { eachCount } from '../../../src/domain/token-counts.ts'
import type { SessionUsage } from '../../../src/domain/token-query.ts'
import { damage, misshape, ODD_TEXTS, runs } from '../../support/mutations.ts'
import { TEST_PRICES } from '../../support/test-prices.ts'

const sessions: SessionUsage[] = Array.from({ length: 12 }, (_, i) => ({
  id: `s${i}`,
  project: 'p',
  user: 'u',
  host: 'h',
  startedAt: 1000 + (i % 3),
  lastActivityAt: 2000 + (i % 4),
  latestPath: '/p',
  latestOffset: 0,
  usage: [
    {
      model: i % 2 === 0 ? 'm1' : 'm2',
      tier: 0,
      ...eachCount(() => 0n),
      input: BigInt(i % 5) * 10n ** 20n,
      records: 1n,
    },
  ],
}))
const order = fc.constantFrom(...SESSION_ORDERS)
const sorted = (by: SessionOrder) => sortSessions([...rankSessions(sessions, by, TEST_PRICES.priceOf)], by)
function pageOf(by: SessionOrder, after?: string) {
  const cut = readSessionCut(5, after, by)
  return pageSessions(cutSessions(sorted(by), cut), cut)
}
const ofBase64 = (text: string): string => Buffer.from(text).toString('base64url')

/** A cursor of ours, changed. */
const odd = (cursor: string) =>
  fc.oneof(
    damage.map((harm) => harm(Buffer.from(cursor)).toString('utf8')),
    damage.map((harm) => harm(Buffer.from(cursor, 'base64url')).toString('base64url')),
    misshape.map((change) => {
      const changed = change(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
      return ofBase64(JSON.stringify(changed) ?? '')
    }),
    fc.constantFrom(...ODD_TEXTS, ...ODD_TEXTS.map(ofBase64)),
  )

describe('a cursor', () => {
  test('that is changed in any way is refused, or says in the same form where a page ended', () => {
    const changed = order.chain((by) => {
      const cursor = pageOf(by).endCursor as string
      return fc.tuple(
        fc.constant(by),
        fc.oneof({ weight: 1, arbitrary: fc.constant(cursor) }, { weight: 30, arbitrary: odd(cursor) }),
      )
    })
    fc.assert(
      fc.property(changed, ([by, after]) => {
        let page: ReturnType<typeof pageOf>
        try {
          page = pageOf(by, after)
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', argument: 'after' })
          return
        }
        // nothing but what this program could have written: as to the letter, and with the kind of rank that the order has
        const parts = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'))
        expect(ofBase64(JSON.stringify(parts))).toBe(after)
        expect(parts).toEqual([by, expect.stringMatching(/^(-?[1-9]\d*|0)$/), expect.stringMatching(/^[\w-]{1,100}$/)])
        const all = sorted(by).map(({ session }) => session)
        const from = page.edges.length === 0 ? 12 : all.indexOf(page.edges[0]?.node as SessionUsage)
        expect(page.edges.map(({ node }) => node)).toEqual(all.slice(from, from + 5))
        expect(page.hasNextPage).toBe(from + 5 < sessions.length)
      }),
      runs(2000),
    )
  })
})
