import { afterEach, describe, expect, test, vi } from 'vitest'
import { createEvidence } from '../../../src/rollout/evidence.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

function scene() {
  const world = { now: 1_800_000_000_000 }
  const evidence = createEvidence({ latencyMs: 100, tripAfterMs: 3 * MINUTE, now: () => world.now })
  /** Something each second, and a look each second; what the guard would have tripped by, and after how long. */
  const go = (ms: number, each: () => void): { after: number; why: string } | undefined => {
    for (let passed = 0; passed < ms; passed += SECOND) {
      each()
      const why = evidence.beyondLine()
      if (why !== undefined) return { after: passed, why }
      world.now += SECOND
    }
    return undefined
  }
  return { world, evidence, go }
}
const times = (count: number, run: (i: number) => void): void => {
  for (let i = 0; i < count; i++) run(i)
}

describe('what speaks against the database', () => {
  test('is nothing while nothing is known, or all is well', () => {
    const { evidence, go } = scene()
    expect(evidence.consistency()).toBeUndefined()
    expect(evidence.comparisons()).toBe(0)
    const well = () => {
      evidence.compared(true)
      times(10, () => evidence.answered(99, false))
    }
    expect(go(10 * MINUTE, well)).toBeUndefined()
    expect(evidence.consistency()).toBe(1)
    expect(evidence.comparisons()).toBe(600)
  })

  test('is a consistency below 0.99 that lasts a minute, of a hundred comparisons at least', () => {
    const { evidence, go } = scene()
    let count = 0
    // one of 50: the hundredth comparison is the first that counts
    const worse = () => evidence.compared(++count % 50 !== 0)
    expect(go(20 * MINUTE, worse)).toEqual({
      after: 99 * SECOND + MINUTE,
      why: expect.stringMatching(/^the sources differ in [12]\.\d % of comparisons$/),
    })
    expect(evidence.consistency()).toBeLessThan(0.99)
  })

  test('is not a consistency of exactly 0.99, nor one that recovers within the minute', () => {
    const edge = scene()
    let count = 0
    expect(edge.go(30 * MINUTE, () => edge.evidence.compared(++count % 100 !== 0))).toBeUndefined()
    const recovering = scene()
    times(98, () => recovering.evidence.compared(true))
    times(2, () => recovering.evidence.compared(false))
    expect(recovering.go(30 * SECOND, () => undefined)).toBeUndefined()
    times(200, () => recovering.evidence.compared(true))
    expect(recovering.go(10 * MINUTE, () => undefined)).toBeUndefined()
  })

  test('is that more than 1 % of questions fail, for three minutes; an outage of a moment is not', () => {
    const moment = scene()
    times(100, () => moment.evidence.answered(1, true))
    const well = () => times(10, () => moment.evidence.answered(1, false))
    expect(moment.go(20 * MINUTE, well)).toBeUndefined()
    const { evidence, go } = scene()
    const failing = () => times(50, (i) => evidence.answered(1, i === 0))
    expect(go(20 * MINUTE, failing)).toEqual({
      after: 3 * MINUTE,
      why: '2.0 % of questions to the database fail',
    })
    const edge = scene()
    expect(edge.go(20 * MINUTE, () => times(100, (i) => edge.evidence.answered(1, i === 0)))).toBeUndefined()
    const few = scene()
    // a database that is away is not asked
    expect(
      few.go(20 * MINUTE, () => few.world.now % (2 * SECOND) === 0 && few.evidence.answered(1, true)),
    ).toBeUndefined()
  })

  test('is that more than 5 % of its answers take longer than its line, for three minutes', () => {
    const { evidence, go } = scene()
    expect(go(20 * MINUTE, () => times(10, (i) => evidence.answered(i === 0 ? 101 : 100, false)))).toEqual({
      after: 3 * MINUTE + 4 * SECOND,
      why: '10.0 % of the answers of the database take longer than 100 ms',
    })
  })

  test('is forgotten once an operator has seen to it, and after an hour', () => {
    const { evidence, world } = scene()
    times(100, () => evidence.compared(false))
    evidence.beyondLine()
    world.now += 2 * MINUTE
    evidence.forget()
    expect(evidence.beyondLine()).toBeUndefined()
    expect(evidence.comparisons()).toBe(0)
    evidence.compared(false)
    world.now += 61 * MINUTE
    expect(evidence.consistency()).toBeUndefined()
  })
})

describe('a clock that is set', () => {
  afterEach(() => void vi.useRealTimers())

  test('is no time that has passed', () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const evidence = createEvidence({ latencyMs: 100, tripAfterMs: MINUTE })
    times(100, (i) => evidence.compared(i > 1))
    times(100, () => evidence.answered(101, false))
    expect(evidence.beyondLine()).toBeUndefined()
    for (const hours of [1, -1]) {
      vi.setSystemTime(Date.now() + hours * 60 * MINUTE)
      expect(evidence.beyondLine()).toBeUndefined()
      expect(evidence.comparisons()).toBe(100)
    }
  })
})
