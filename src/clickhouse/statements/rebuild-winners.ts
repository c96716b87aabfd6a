import { z } from 'zod'

/** Copies there are: by it the slices are cut. */
export const countCopies = {
  name: 'count-copies',
  sql: 'SELECT count() AS copies FROM copies',
  row: z.object({ copies: z.string().transform(Number) }),
}

/**
 * Where winners are chosen anew that nobody reads yet. Tables cannot be exchanged under a condition, so each publisher
 * has one of its own, and whoever takes the right drops those of the others: a late exchange finds none.
 */
export const nextWinners = (epoch: number): string => `winners_next_${epoch}`

export const makeNext = (epoch: number) =>
  [
    ['drop-winners-next', `DROP TABLE IF EXISTS ${nextWinners(epoch)} SYNC`],
    ['make-winners-next', `CREATE TABLE ${nextWinners(epoch)} AS winners`],
  ] as const

/** Readers see all of the one table or all of the other. */
export const swapNext = (epoch: number) =>
  [
    ['swap-winners', `EXCHANGE TABLES winners AND ${nextWinners(epoch)}`],
    ['drop-old-winners', `DROP TABLE ${nextWinners(epoch)} SYNC`],
  ] as const

/** What publishers have left halfway; a release before this one had no epoch in the name. */
export const leftWinners = {
  name: 'left-winners',
  sql: "SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '^winners_next(_[0-9]+)?$')",
  row: z.object({ name: z.string().regex(/^\w+$/) }),
}

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
