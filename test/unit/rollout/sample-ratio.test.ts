import { describe, expect, test } from 'vitest'
import { createRandom } from '../../../corpus/random.ts'
import { sampleRatio } from '../../../src/rollout/sample-ratio.ts'
import { normal } from '../../support/random-normal.ts'

describe('the check of the sample ratio', () => {
  test.each([
    // of a table of chi-square with one degree of freedom: 3.841 is p = 0.05, 10.828 is p = 0.001
    [{ legacy: 402, database: 50 }, 0.1, 0.4517],
    [{ legacy: 450, database: 550 }, 0.5, 0.001565],
    [{ legacy: 500 - 30.99, database: 500 + 30.99 }, 0.5, 0.05],
    [{ legacy: 500 - 52.03, database: 500 + 52.03 }, 0.5, 0.001],
  ])('%j of %d has p = %d', (users, share, p) => {
    expect(sampleRatio(users, share).p).toBeCloseTo(p, 3)
  })

  test('alarms below 0.001, not where the share is off by less than 0.1 points, nor where there are too few', () => {
    expect(sampleRatio({ legacy: 9000, database: 1000 }, 0.1)).toMatchObject({ isMismatch: false })
    expect(sampleRatio({ legacy: 9200, database: 800 }, 0.1)).toMatchObject({ isMismatch: true })
    // significant, and nothing to anybody: 10.05 %
    const many = sampleRatio({ legacy: 8_995_000, database: 1_005_000 }, 0.1)
    expect(many.p).toBeLessThan(0.001)
    expect(many.isMismatch).toBe(false)
    expect(sampleRatio({ legacy: 70, database: 0 }, 0.1)).toEqual({ p: null, isMismatch: false })
    expect(sampleRatio({ legacy: 1000, database: 0 }, 0.1)).toMatchObject({ isMismatch: true })
    for (const share of [null, 0, 1])
      expect(sampleRatio({ legacy: 500, database: 500 }, share)).toEqual({ p: null, isMismatch: false })
  })

  test('is quiet on fair data, and finds a skew: of 1,000 draws of 20,000 users at 10 %', () => {
    const alarms = (share: number): number => {
      const random = createRandom(7)
      let found = 0
      for (let i = 0; i < 1000; i++) {
        // the sum of many draws, by the normal distribution
        const sigma = Math.sqrt(20_000 * share * (1 - share))
        const database = Math.round(20_000 * share + sigma * normal(random))
        if (sampleRatio({ legacy: 20_000 - database, database }, 0.1).isMismatch) found++
      }
      return found
    }
    expect(alarms(0.1)).toBeLessThanOrEqual(5)
    // one user of ten is lost on the way into the arm
    expect(alarms(0.09)).toBeGreaterThan(900)
  })
})
