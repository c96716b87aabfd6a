import { describeFaults } from './fault-suite.ts'

describeFaults('Redis', '%s: costs speed alone, and never an answer or a record')
