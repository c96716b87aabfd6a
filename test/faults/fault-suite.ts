import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultScene, LEAST, openFaultScene } from './dependency-scene.ts'
import { type Dependency, FAULTS, type Fault } from './faults.ts'

/** Faults that health need not tell: what is slow is told by its latency, and what fails over may be back before it is asked. */
const UNTOLD: Record<Dependency, readonly Fault[]> = {
  ClickHouse: ['slow', 'failed over'],
  Redis: ['failed over'],
  Unleash: ['slow', 'failed over'],
}

/** Why nobody is on the files: flags that were on are off, or the guard takes a fault for a wrong answer. */
const UNWARRANTED = ['BRIDGE_DISABLED', 'HISTORICAL_DATA_DISABLED', 'GUARD_TRIPPED']

/**
 * Nobody waits longer than for the deadlines of all that an answer takes (docs/policies.md), which is little but where
 * ClickHouse is asked; and most do not wait at all. A busy machine takes its time: these are several times as long.
 */
const LONGEST_MS: Record<Dependency, number> = { ClickHouse: 30_000, Redis: 10_000, Unleash: 10_000 }
const MEDIAN_MS = 5000

/** `title`: of each test, with `%s` for the fault. */
export function describeFaults(dependency: Dependency, title: string): void {
  describe(dependency, () => {
    let scene: FaultScene
    beforeAll(async () => {
      scene = await openFaultScene(dependency)
    }, 180_000)
    afterAll(() => scene?.close())

    test.for<Fault>(FAULTS[dependency])(title, { timeout: 300_000 }, async (fault, { skip }) => {
      const isTold = !UNTOLD[dependency].includes(fault)
      const report = await scene.during(fault, isTold)
      // a small disk takes root, and a system that lets it mount one
      if (report === undefined) return skip(`${fault} cannot be made here`)
      const { differences, unanswered, refused, lacking, states } = report
      expect({ differences, unanswered, refused, lacking }).toEqual({
        differences: [],
        unanswered: {},
        refused: {},
        lacking: 0,
      })
      expect(report.reasons.filter((reason) => UNWARRANTED.includes(reason))).toEqual([])
      expect(report.answers).toBeGreaterThanOrEqual(LEAST.answers)
      expect(report.acknowledged).toBeGreaterThanOrEqual(LEAST.calls)
      if (isTold) expect(states.filter((state) => state !== 'UP')).not.toEqual([])
      expect(report.answerMs.longest).toBeLessThan(LONGEST_MS[dependency])
      for (const { median } of [report.answerMs, report.callMs]) expect(median).toBeLessThan(MEDIAN_MS)
    })
  })
}
