import { z } from 'zod'
import type { PlacedCopy } from '../../domain/token-record.ts'
import type { Statement } from '../database.ts'
import { COPY_CELLS, COPY_SELECTED, copyIn } from './record-sql.ts'

/** Published copies of the identities of a set in `logs`: by the primary key, so no other copies are read. */
export const copiesInLogs = (identities: string): Statement<PlacedCopy> => ({
  name: 'copies-in-logs' as const,
  sql: `
    SELECT toString(log) AS name, ${COPY_SELECTED}
    FROM copies
    WHERE identity IN ${identities} AND log IN {logs:Array(String)}
      AND batch IN (SELECT batch FROM batches FINAL WHERE state = 'published')`,
  row: z.object({ name: z.string(), ...COPY_CELLS }).transform((row) => ({ ...copyIn(row), log: row.name })),
})
