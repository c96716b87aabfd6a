import { describe } from 'vitest'
import { recordStoreSuite } from '../support/record-store-suite.ts'
import { removeEngineAfterAll, testDatabase } from '../support/sides.ts'

removeEngineAfterAll()

describe('the embedded engine', () => recordStoreSuite(testDatabase))
