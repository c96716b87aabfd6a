import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Claim, isClaimedBefore, outranks, type Rank } from '../../../src/domain/rank.ts'

const base: Rank = { byMutation: false, sidechain: false, total: 10, time: 5, path: '/a', offset: 1 }

describe('which copy wins', () => {
  test.each<[string, Partial<Rank>, Partial<Rank>]>([
    ['a transcript over a mutation, however large', { total: 1 }, { byMutation: true, total: 9 }],
    ['the main chain over a sidechain, however large', { total: 1 }, { sidechain: true, total: 9 }],
    ['the larger total, however late', { total: 11, time: 9 }, { time: 1 }],
    ['the earlier time', { time: 4, path: '/z' }, {}],
    ['the smaller path', { path: '/a', offset: 9 }, { path: '/b' }],
    ['the path that is smaller in UTF-8, not in UTF-16', { path: '/\uFFFD' }, { path: '/😀' }],
    ['the smaller offset', { offset: 0 }, {}],
    [
      'of one origin that was named twice, the earlier segment',
      { key: 'journal:1', position: 9 },
      { key: 'journal:2' },
    ],
    ['in one segment the earlier place', { key: 'journal:1', position: 3 }, { key: 'journal:1', position: 4 }],
  ])('%s', (_name, winner, loser) => {
    expect(outranks({ ...base, ...winner }, { ...base, ...loser })).toBe(true)
    expect(outranks({ ...base, ...loser }, { ...base, ...winner })).toBe(false)
  })

  test('a copy that does not say is a transcript’s', () => {
    const { byMutation: _, ...silent } = base
    expect(outranks(silent, { ...base, byMutation: true })).toBe(true)
    expect(outranks({ ...base, offset: 0 }, silent)).toBe(true)
  })

  test('is a total order: any order of arrival gives the same winner', () => {
    const rank = fc.record({
      byMutation: fc.boolean(),
      sidechain: fc.boolean(),
      total: fc.integer({ min: 0, max: 2 }),
      time: fc.integer({ min: 0, max: 2 }),
      path: fc.constantFrom('/a', '/b', '/é', '/😀'),
      offset: fc.integer({ min: 0, max: 2 }),
    })
    const winner = (ranks: Rank[]) => ranks.reduce((best, next) => (outranks(next, best) ? next : best))
    fc.assert(
      fc.property(fc.array(rank, { minLength: 1, maxLength: 12 }), (ranks) => {
        expect(winner(ranks.toReversed())).toEqual(winner(ranks))
        expect(winner(ranks.toSorted(() => -1))).toEqual(winner(ranks))
      }),
    )
  })
})

describe('who was first', () => {
  const claim: Claim = { stamp: 5, segment: 'journal:2', user: 'bob' }
  test.each<[string, Partial<Claim>]>([
    ['the smaller stamp, whoever and wherever', { stamp: 4, segment: 'journal:9', user: 'cid' }],
    ['of equal ones the earlier segment', { segment: 'journal:1', user: 'cid' }],
    ['in one segment the same user everywhere', { user: 'ann' }],
  ])('%s', (_name, first) => {
    expect(isClaimedBefore({ ...claim, ...first }, claim)).toBe(true)
    expect(isClaimedBefore(claim, { ...claim, ...first })).toBe(false)
  })

  test('nobody is before themselves', () => {
    expect(isClaimedBefore(claim, claim)).toBe(false)
  })
})
