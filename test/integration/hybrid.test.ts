import { describe } from 'vitest'
import { archivedSuite } from '../support/archived-suite.ts'
import { hybridSuite } from '../support/hybrid-suite.ts'
import { removeEngineAfterAll, testDatabase } from '../support/sides.ts'

removeEngineAfterAll()

/** `HYBRID_RUNS=50 npx vitest run test/integration/hybrid.test.ts`: so many times as many cases. */
const times = Number(process.env.HYBRID_RUNS ?? 1)

describe('the hybrid answer of the embedded engine', () => {
  hybridSuite(testDatabase, { cuts: 4 * times, changes: 3 * times, statementsAtOnce: 1 })
  archivedSuite(testDatabase, { runs: 3 * times, statementsAtOnce: 1 })
})
