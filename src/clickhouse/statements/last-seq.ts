import { z } from 'zod'
import { WINNERS_BY_TIME } from './winners-by-time.ts'

/** The largest number of a batch of which there are copies, published or not. */
export const lastBatch = {
  name: 'last-batch' as const,
  sql: 'SELECT max(batch) AS last, count() AS rows FROM copies WHERE batch >= {from:UInt64} AND batch < {to:UInt64}',
  row: z
    .object({ last: z.string().transform(Number), rows: z.string() })
    .transform(({ last, rows }) => ({ batch: rows === '0' ? undefined : last })),
}

export const lastSeq = {
  name: 'last-seq' as const,
  sql: `
    SELECT max(number) AS last
    FROM (
      SELECT max(seq) AS number FROM winners UNION ALL SELECT max(seq) FROM ${WINNERS_BY_TIME}
      UNION ALL SELECT max(version) FROM batches UNION ALL SELECT max(version) FROM winners_filled
    )`,
  row: z.object({ last: z.string().transform(Number) }).transform(({ last }) => ({ seq: last })),
}
