import { JOURNAL_IN_NAME } from '../../domain/log-name.ts'
import { FENCED } from './fence.ts'

/** The condition for the batches of some logs. */
export const OF_LOGS = 'log IN {logs:Array(String)}'
export const OF_BATCHES = 'batch IN {batches:Array(UInt64)}'
/** Batches that came from transcripts: those of the journal stay whatever is rolled back. */
export const OF_TRANSCRIPTS = `position(log, '${JOURNAL_IN_NAME}') = 0`

/** Marks batches with another state: an expression, in which `was` is the state that they had. */
export const markBatches = (state: string, where: string): string => `
  INSERT INTO batches
  SELECT * EXCEPT was REPLACE ({seq:UInt64} AS version, ${state} AS state)
  FROM (SELECT *, toString(state) AS was FROM batches FINAL WHERE (${where}) AND ${FENCED})`
