import { z } from 'zod'

/** Copies there are: by it the slices are cut. */
export const countCopies = {
  name: 'count-copies',
  sql: 'SELECT count() AS copies FROM copies',
  row: z.object({ copies: z.string().transform(Number) }),
}

export const MAKE_NEXT = [
  ['drop-winners-next', 'DROP TABLE IF EXISTS winners_next SYNC'],
  ['make-winners-next', 'CREATE TABLE winners_next AS winners'],
] as const

/** Readers see all of the one table or all of the other. */
export const SWAP = [
  ['swap-winners', 'EXCHANGE TABLES winners AND winners_next'],
  ['drop-old-winners', 'DROP TABLE winners_next SYNC'],
] as const

/** Runs none of whose batches are kept or published: their copies can go as a whole. */
export const emptyRuns = {
  name: 'empty-runs',
  sql: `
    SELECT DISTINCT toString(run) AS run FROM copies
    WHERE run != 'live' AND run NOT IN (SELECT run FROM batches FINAL WHERE state != 'retired')`,
  row: z.object({ run: z.string().regex(/^[\w-]+$/) }),
}

/** The copies of retired batches in the other runs. */
export const DELETE_RETIRED = `
  ALTER TABLE copies DELETE WHERE batch IN (SELECT batch FROM batches FINAL WHERE state = 'retired')
  SETTINGS mutations_sync = 2`
