import { describe } from 'vitest'
import { removeEngineAfterAll, testDatabase } from '../support/bridge.ts'
import { recordStoreSuite } from '../support/record-store-suite.ts'

removeEngineAfterAll()

describe('the embedded engine', () => recordStoreSuite(testDatabase))
