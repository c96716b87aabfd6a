import { describe, expect, test } from 'vitest'
import { createRandom } from '../../../corpus/random.ts'
import type { Cohort, ExperimentSetup } from '../../../src/ports/flags.ts'
import { reportOf } from '../../../src/rollout/experiment.ts'
import { createExposures } from '../../../src/rollout/exposures.ts'

const NOON = Date.UTC(2026, 3, 2, 12)
const DAY = 86_400_000
const ON: ExperimentSetup = { enabled: true, share: 0.1 }

function scene(maxUsers?: number) {
  const world = { now: NOON }
  const journal = { append: async () => ({ segment: '', from: 0, to: 0 }) }
  const exposures = createExposures({ journal, now: () => world.now, maxUsers })
  const answer = (userId: string, cohort: Cohort, share = 0.1, ms = 10): void => {
    const source = cohort === 'legacy' ? 'LEGACY' : 'CLICKHOUSE'
    exposures.noteAnswer({ userId, cohort, share, source, cache: 'MISS', ms })
  }
  const report = (setup = ON, from?: number, to?: number) => reportOf({ exposures, setup, from, to, now: world.now })
  return { world, answer, report }
}

const usersOf = ({ arms }: ReturnType<typeof reportOf>) => arms.map(({ users }) => users)

describe('the report of the experiment', () => {
  test('counts 100,000 users into arms within the share, and alarms where one of ten is lost on the way', () => {
    const { answer, report } = scene(200_000)
    const random = createRandom(11)
    const arms = Array.from({ length: 100_000 }, (): Cohort => (random.next() < 0.1 ? 'database' : 'legacy'))
    arms.forEach((cohort, i) => {
      if (cohort === 'legacy' || i % 10 > 0) answer(`user-${i}`, cohort)
    })
    const skewed = report()
    expect(skewed).toMatchObject({ sampleRatioMismatch: true, verdict: 'INCONCLUSIVE' })
    expect(skewed.sampleRatioP).toBeLessThan(0.001)
    arms.forEach((cohort, i) => {
      if (cohort === 'database' && i % 10 === 0) answer(`user-${i}`, cohort)
    })
    const fair = report()
    expect(usersOf(fair)).toEqual(['legacy', 'database'].map((name) => arms.filter((one) => one === name).length))
    expect(fair.sampleRatioMismatch).toBe(false)
    expect(fair.sampleRatioP).toBeGreaterThan(0.001)
    expect(fair.arms.map(({ expectedShare }) => expectedShare)).toEqual([0.9, 0.1])
  })

  test('compares under the share that counts now, and counts who changed arms', () => {
    const { world, answer, report } = scene()
    for (let i = 0; i < 20; i++) answer(`user-${i}`, i < 2 ? 'database' : 'legacy')
    world.now += DAY
    for (let i = 0; i < 20; i++) answer(`user-${i}`, i < 10 ? 'database' : 'legacy', 0.5)
    const raised = report({ enabled: true, share: 0.5 })
    expect(usersOf(raised)).toEqual([10, 10])
    expect(raised).toMatchObject({ crossovers: 8, arms: [{ expectedShare: 0.5 }, { expectedShare: 0.5 }] })
    // of a time that is over it is the one of then
    expect(usersOf(report({ enabled: true, share: 0.5 }, NOON, NOON + 1))).toEqual([18, 2])
    expect(usersOf(report({ enabled: false, share: 0.3 }))).toEqual([10, 10])
    // and of one that has just been set there is nothing yet
    const set = report({ enabled: true, share: 0.7 })
    expect(usersOf(set)).toEqual([0, 0])
    expect(set).toMatchObject({ verdict: 'WAITING', sampleRatioP: null })
  })

  test('does not compare users of both arms, nor arms that nobody is meant to be in', () => {
    const { answer, report } = scene()
    for (const cohort of ['legacy', 'database'] as const) answer('ann', cohort)
    expect(report()).toMatchObject({ crossovers: 1, verdict: 'WAITING' })
    expect(report().differences.every(({ difference }) => difference === null)).toBe(true)
    answer('bob', 'database', 1)
    expect(report({ enabled: true, share: 1 })).toMatchObject({
      verdict: 'INCONCLUSIVE',
      reason: /everybody is in the arm database/,
    })
  })

  test('is HEALTHY where all that was measured is, and tells what was not; REGRESSED where something is', () => {
    const { answer, report } = scene()
    const ask = (slower: number): void => {
      for (let i = 0; i < 60; i++)
        for (let j = 0; j < 60; j++)
          answer(`user-${i}`, i < 30 ? 'legacy' : 'database', 0.5, (10 + (i % 5) / 10) * (i < 30 ? 1 : slower))
    }
    ask(1)
    const healthy = report({ enabled: true, share: 0.5 })
    expect(healthy).toMatchObject({ verdict: 'HEALTHY', reason: /^no measure is worse .*not measured: mismatchRate/ })
    expect(healthy.arms[0]).toMatchObject({ errorRate: 0, mismatchRate: null, questions: 1800 })
    expect(healthy.arms[0]?.latencyP50Ms).toBeCloseTo(10.2, 0)
    ask(3)
    expect(report({ enabled: true, share: 0.5 })).toMatchObject({ verdict: 'REGRESSED', reason: /^logLatency: \+\d/ })
  })
})
