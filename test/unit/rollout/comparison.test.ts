import { describe, expect, test } from 'vitest'
import { type ArmDifference, compareArms } from '../../../src/rollout/comparison.ts'
import { type Figures, noFigures } from '../../../src/rollout/figures.ts'
import { ALL_CASES } from '../../support/all-cases.ts'
import { type Simulated, simulate } from '../../support/simulated-arms.ts'

const A_A: Omit<Simulated, 'seed'> = {
  users: 60,
  share: 0.5,
  minutes: 180,
  arriving: 60,
  questions: 0.5,
  spread: { users: 0.5, own: 0.8 },
  errors: 0.01,
}
/** What makes it hard: few users, who ask ever more, of whom nothing but chance differs; few of one arm; rare errors. */
const HARD: readonly Omit<Simulated, 'seed'>[] = [
  A_A,
  { ...A_A, arriving: 1, spread: { users: 0, own: 1 } },
  { ...A_A, users: 120, share: 0.1, minutes: 120 },
  { ...A_A, users: 120, share: 0.1, minutes: 120, errors: 0.001 },
]

const excludesNothing = ({ low, high }: ArmDifference): boolean =>
  low !== null && high !== null && (low > 0 || high < 0)
const of = (differences: readonly ArmDifference[], name: string): ArmDifference =>
  differences.find(({ measure }) => measure === name) as ArmDifference

describe('arms that do not differ', () => {
  const RUNS = ALL_CASES ? 10_000 : 200
  test(`raise a false alarm in at most 5 % of ${RUNS} runs, of any measure, looked at every minute`, () => {
    let alarms = 0
    for (let seed = 0; seed < RUNS; seed++)
      simulate({ ...(HARD[seed % HARD.length] as (typeof HARD)[number]), seed }, (seen) => {
        const isAlarm = seen.some(excludesNothing)
        if (isAlarm) alarms++
        return isAlarm
      })
    expect(alarms / RUNS).toBeLessThanOrEqual(0.05)
  }, 3_600_000)
})

describe('a database that is 10 % slower', () => {
  test('is found, and nothing else is', () => {
    let found = 0
    for (let seed = 0; seed < 5; seed++) {
      const slower = {
        ...A_A,
        seed,
        users: 400,
        minutes: 600,
        questions: 1,
        slower: Math.log(1.1),
        spread: { users: 0.1, own: 0.5 },
      }
      simulate(slower, (seen, minute) => {
        if (minute % 20 > 0) return false
        const verdict = of(seen, 'logLatency').verdict
        expect(of(seen, 'errorRate').verdict).not.toBe('REGRESSED')
        if (verdict === 'REGRESSED') found++
        return verdict !== 'WAITING'
      })
    }
    expect(found).toBe(5)
  })
})

/** Users who all had the same. */
const alike = (users: number, figures: Partial<Figures>): Figures[] =>
  Array.from({ length: users }, (_, i) => ({
    ...noFigures(),
    questions: 100,
    computed: 100,
    logMs: 300 + (i % 5),
    ...figures,
  }))

describe('the verdict on a measure', () => {
  test('is WAITING with too few users, or questions, and tells how many more it takes', () => {
    const few = compareArms({ legacy: alike(100, {}), database: alike(3, {}) })
    expect(of(few, 'errorRate')).toMatchObject({
      verdict: 'WAITING',
      difference: 0,
      low: null,
      moreQuestions: 500,
      reason: expect.stringContaining('there are 100 in legacy and 3 in database: about 500 more questions'),
    })
    const little = { questions: 2, computed: 2, logMs: 6 }
    const short = of(compareArms({ legacy: alike(20, little), database: alike(20, little) }), 'errorRate')
    expect(short).toMatchObject({ verdict: 'WAITING', difference: 0 })
    expect(short.moreQuestions).toBeGreaterThan(100)
    expect(short.reason).toContain(`about ${short.moreQuestions?.toLocaleString('en-US')} more questions`)
    // as many as it said are enough, of more users who are as these
    const times = 1 + (short.moreQuestions ?? 0) / 80
    const more = alike(Math.ceil(20 * times), little)
    expect(of(compareArms({ legacy: more, database: more }), 'errorRate').verdict).toBe('HEALTHY')
    expect(of(few, 'mismatchRate')).toMatchObject({
      verdict: 'WAITING',
      difference: null,
      reason: /shadow_reads_enabled/,
    })
  })

  test('tells of more questions, where few of them are measured', () => {
    // one of ten was computed, one of a hundred compared
    const asked = { questions: 100, computed: 10, logMs: 30, comparisons: 1 }
    const few = compareArms({ legacy: alike(20, asked), database: alike(3, asked) })
    for (const name of ['errorRate', 'logLatency', 'mismatchRate']) expect(of(few, name).moreQuestions).toBe(500)
    const more = compareArms({ legacy: alike(20, asked), database: alike(20, asked) })
    const compared = of(more, 'mismatchRate').moreQuestions as number
    // as many as are needed, a hundred times
    const all = alike(20, { ...asked, comparisons: 100 })
    expect(of(compareArms({ legacy: all, database: all }), 'mismatchRate').verdict).toBe('HEALTHY')
    expect(compared).toBeGreaterThan(4000 * 10)
  })

  test('is not that all came from the cache where nobody asked', () => {
    for (const { reason } of compareArms({ legacy: [], database: [] })) expect(reason).toBe('nobody asked yet')
  })

  test('is HEALTHY where it is not worse by more than it may be, and REGRESSED where it is', () => {
    const legacy = alike(100, {})
    const healthy = compareArms({ legacy, database: alike(100, {}) })
    for (const name of ['errorRate', 'fallbackRate', 'logLatency']) expect(of(healthy, name).verdict).toBe('HEALTHY')
    const bad = compareArms({ legacy, database: alike(100, { errors: 10, fallbacks: 3, logMs: 330 }) })
    for (const name of ['errorRate', 'fallbackRate', 'logLatency']) {
      const { verdict, low, difference, high } = of(bad, name)
      expect(verdict).toBe('REGRESSED')
      expect(low).toBeGreaterThan(0)
      expect(difference).toBeGreaterThan(low as number)
      expect(high).toBeGreaterThan(difference as number)
    }
    expect(of(bad, 'errorRate').reason).toMatch(/^\+10\.0 points, between \+\d/)
    expect(of(bad, 'logLatency').reason).toMatch(/^\+32\.\d %, between /)
  })

  test('says of shares no more than that they may differ by everything', () => {
    const little = alike(20, { questions: 1, computed: 1, logMs: 3 })
    const errors = of(compareArms({ legacy: little, database: little }), 'errorRate')
    expect(errors).toMatchObject({ verdict: 'WAITING', low: -1, high: 1 })
  })

  test('counts each user once, however much they ask', () => {
    const eager = alike(1, { questions: 1_000_000, errors: 1_000_000 })
    const database = [...alike(99, {}), ...eager]
    expect(of(compareArms({ legacy: alike(100, {}), database }), 'errorRate').difference).toBeCloseTo(0.01, 5)
  })

  test('has fewer hits of the cache as worse', () => {
    const hits = (cacheHits: number) => alike(100, { cacheHits })
    expect(of(compareArms({ legacy: hits(90), database: hits(50) }), 'cacheHitRate')).toMatchObject({
      verdict: 'REGRESSED',
      difference: expect.closeTo(-0.4, 9),
    })
    expect(of(compareArms({ legacy: hits(50), database: hits(90) }), 'cacheHitRate').verdict).toBe('HEALTHY')
  })
})
