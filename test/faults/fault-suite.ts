import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultScene, openFaultScene } from './dependency-scene.ts'
import { type Dependency, FAULTS, type Fault } from './faults.ts'

/** Faults that health need not tell: what is slow is told by its latency, and what fails over may be back before it is asked. */
const UNTOLD: Record<Dependency, readonly Fault[]> = {
  ClickHouse: ['slow', 'failed over'],
  Redis: ['failed over'],
  Unleash: ['slow', 'failed over'],
}

/** `title`: of each test, with `%s` for the fault. */
export function describeFaults(dependency: Dependency, title: string): void {
  describe(dependency, () => {
    let scene: FaultScene
    beforeAll(async () => {
      scene = await openFaultScene(dependency)
    }, 180_000)
    afterAll(() => scene?.close())

    test.each<Fault>(FAULTS[dependency])(
      title,
      async (fault) => {
        const isTold = !UNTOLD[dependency].includes(fault)
        const report = await scene.during(fault, isTold)
        // a small disk takes root, and a system that lets it mount one
        if (report === undefined) return expect(fault).toBe('full')
        expect(report).toMatchObject({ differences: [], unanswered: 0, refused: 0, lacking: 0 })
        expect(report.acknowledged).toBeGreaterThan(0)
        if (isTold) expect(report.states.filter((state) => !state.endsWith(' UP'))).not.toEqual([])
      },
      300_000,
    )
  })
}
