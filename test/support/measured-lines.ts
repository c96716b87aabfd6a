import lines from '@vitest/coverage-v8'
import type { CoverageProviderModule } from 'vitest/node'

/**
 * Vitest's counting of lines, in the projects whose environment has `MEASURE_LINES` alone: tests take up to half as much
 * again of the processor while lines are counted. A share that is told is the least: lines that other tests reach are not
 * in it.
 */
const measured: CoverageProviderModule =
  process.env.MEASURE_LINES === '1' ? lines : { getProvider: () => lines.getProvider() }

export default measured
