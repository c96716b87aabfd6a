import { describeFaults } from './fault-suite.ts'

describeFaults('Unleash', '%s: the last known flags count, and nobody waits for it')
