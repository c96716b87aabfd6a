import { sep } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders of tests, those that start the most processes first. */
const SLOWEST_FIRST = ['faults', 'integration', 'contract', 'e2e', 'security', 'unit']

/**
 * Long files begin early: a fresh clone knows of no durations, and the longest file, begun last, would keep all workers
 * but one idle.
 */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rankOf = ({ moduleId }: TestSpecification): number =>
      SLOWEST_FIRST.findIndex((folder) => moduleId.includes(`${sep}test${sep}${folder}${sep}`))
    return sorted.sort((a, b) => rankOf(a) - rankOf(b))
  }
}
