import { z } from 'zod'
import { WINNERS_SUMMED } from './sums.ts'
import { WINNERS_BY_TIME } from './winners-by-time.ts'

/** Copies there are: by it the slices are cut. */
export const countCopies = {
  name: 'count-copies' as const,
  sql: 'SELECT count() AS copies FROM copies',
  row: z.object({ copies: z.string().transform(Number) }),
}

/** The tables that readers count by, in the order in which they are put in place of those of before. */
export const COUNTED_TABLES = { winners: 'winners', 'by-time': WINNERS_BY_TIME, sums: WINNERS_SUMMED } as const
export type CountedTable = keyof typeof COUNTED_TABLES

/**
 * Where a table is made anew that nobody reads yet. Tables cannot be exchanged under a condition, so each publisher has
 * one of its own, and whoever takes the right drops those of the others: a late exchange finds none.
 */
export const nextOf = (table: CountedTable, epoch: number): string => `${COUNTED_TABLES[table]}_next_${epoch}`

export const makeNext = (table: CountedTable, epoch: number) =>
  [
    [`drop-${table}-next`, `DROP TABLE IF EXISTS ${nextOf(table, epoch)} SYNC`],
    [`make-${table}-next`, `CREATE TABLE ${nextOf(table, epoch)} AS ${COUNTED_TABLES[table]}`],
  ] as const

/** Readers see all of the one table or all of the other. */
export const swapNext = (table: CountedTable, epoch: number) =>
  [
    [`swap-${table}`, `EXCHANGE TABLES ${COUNTED_TABLES[table]} AND ${nextOf(table, epoch)}`],
    [`drop-old-${table}`, `DROP TABLE ${nextOf(table, epoch)} SYNC`],
  ] as const

const NEXT = Object.values(COUNTED_TABLES).join('|')

/** What publishers have left halfway; a release before this one had no epoch in the name. */
export const leftTables = {
  name: 'left-tables' as const,
  sql: `SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '^(${NEXT})_next(_[0-9]+)?$')`,
  row: z.object({ name: z.string().regex(/^\w+$/) }),
}

/** Runs none of whose batches are kept or published: their copies can go as a whole. */
export const emptyRuns = {
  name: 'empty-runs' as const,
  sql: `
    SELECT DISTINCT toString(run) AS run FROM copies
    WHERE run != 'live' AND run NOT IN (SELECT run FROM batches FINAL WHERE state != 'retired')`,
  row: z.object({ run: z.string().regex(/^[\w-]+$/) }),
}

/** The copies of retired batches in the other runs. */
export const DELETE_RETIRED = `
  ALTER TABLE copies DELETE WHERE batch IN (SELECT batch FROM batches FINAL WHERE state = 'retired')
  SETTINGS mutations_sync = 2`
