import { describe, expect, test } from 'vitest'
import { intervalOf, rhoFor, sampleOf, standardErrors } from '../../../src/rollout/confidence.ts'

/** By equation 9 as GrowthBook's `gbstats` has it: of n values, narrowest at `tuning`, with this standard error. */
const halfWidth = (standardError: number, n: number, tuning: number): number => {
  // ρ² σ², where σ² is n times the variance
  const scale = rhoFor(tuning, 0.05) * standardError * Math.sqrt(n)
  return standardErrors(standardError ** 2, scale, 0.05) * standardError
}

describe('an interval that is always valid', () => {
  // published with PostHog's implementation, which was held against gbstats: (high − low) / 2 of its examples
  test.each([
    ['means of 6,500 users, narrowest at 1,000', 0.33368, 6500, 1000, (1.59353 + 0.5323) / 2],
    ['proportions of 6,550 users, narrowest at 5,000', 0.03354, 6550, 5000, (0.66448 - 0.46064) / 2],
  ])('is that of published examples: %s', (_what, standardError, n, tuning, expected) => {
    expect(Math.abs(halfWidth(standardError, n, tuning) / expected - 1)).toBeLessThan(2e-4)
  })

  test('is narrowest where it was meant to be, and wider than one for a single look', () => {
    const near = halfWidth(0.33368, 6500, 6500)
    for (const tuning of [10, 1000, 100_000]) expect(halfWidth(0.33368, 6500, tuning)).toBeGreaterThan(near)
    expect(near).toBeGreaterThan(1.96 * 0.33368)
  })

  test('is wider where few users are known, and narrows with more', () => {
    const of = (users: number) => {
      const values = Array.from({ length: users }, (_, i) => (i % 2 === 0 ? 1 : -1))
      return intervalOf(sampleOf(values), sampleOf(values), 0.1, 0.01)
    }
    const byNormal = (users: number): number => standardErrors(2 / (users - 1), 0.1, 0.01) * Math.sqrt(2 / (users - 1))
    expect(of(8).halfWidth).toBeGreaterThan(2 * byNormal(8))
    expect(of(10_000).halfWidth / byNormal(10_000)).toBeCloseTo(1, 2)
    expect(of(1000).halfWidth).toBeGreaterThan(of(10_000).halfWidth)
    expect(of(8).difference).toBe(0)
  })

  test('of users who are all alike is no certainty', () => {
    const alike = sampleOf([1, 1, 1, 1, 1, 1, 1, 1])
    expect(intervalOf(alike, alike, 0.1, 0.01).halfWidth).toBeGreaterThan(0)
  })
})
