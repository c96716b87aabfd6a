import { describe } from 'vitest'
import { hybridSuite } from '../support/hybrid-suite.ts'
import { removeEngineAfterAll, testDatabase } from '../support/sides.ts'

removeEngineAfterAll()

describe('the hybrid answer of the embedded engine', () =>
  hybridSuite(testDatabase, { cuts: 30, changes: 20, statementsAtOnce: 1 }))
