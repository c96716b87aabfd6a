import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pageSessions, SESSION_ORDERS, sortSessions } from '../../../src/domain/session-page.ts'
import type { SessionMetrics } from '../../../src/domain/usage.ts'
import { damage, misshape, ODD_TEXTS, runs } from '../../support/mutations.ts'

const sessions = Array.from({ length: 12 }, (_, i) => ({
  id: `s${i}`,
  startedAt: 1000 + (i % 3),
  lastActivityAt: 2000 + (i % 4),
  tokens: { total: BigInt(i % 5) * 10n ** 20n },
  costUsd: i % 2 === 0 ? null : i / 8,
})) as unknown as SessionMetrics[]
const order = fc.constantFrom(...SESSION_ORDERS)
const pageOf = (by: (typeof SESSION_ORDERS)[number], after?: string) =>
  pageSessions(sortSessions(sessions, by), 5, after, by)
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
        expect(parts).toEqual([
          by,
          by.startsWith('TOKENS') ? expect.stringMatching(/^\d+$/) : expect.any(Number),
          expect.any(String),
        ])
        expect(page.totalCount).toBe(sessions.length)
        const from = page.edges.length === 0 ? 12 : sortSessions(sessions, by).indexOf(page.edges[0]?.node as never)
        expect(page.edges.map(({ node }) => node)).toEqual(sortSessions(sessions, by).slice(from, from + 5))
        expect(page.hasNextPage).toBe(from + 5 < sessions.length)
      }),
      runs(2000),
    )
  })
})
