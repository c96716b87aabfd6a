import { describe } from 'vitest'
import { archivedSuite } from '../support/archived-suite.ts'
import { hybridSuite } from '../support/hybrid-suite.ts'
import { useServerDatabases } from '../support/server-databases.ts'

// the embedded engine has many more runs: what a server may do differently shows in a few
describe('the hybrid answer of a ClickHouse server', () => {
  const open = useServerDatabases()
  hybridSuite(open, { cuts: 2, changes: 2, statementsAtOnce: 8 })
  archivedSuite(open, { runs: 2, statementsAtOnce: 8 })
})
