import { describeFaults } from './fault-suite.ts'

describeFaults(
  'ClickHouse',
  '%s: every question is answered exactly, every record is kept, and all is in it in the end',
)
