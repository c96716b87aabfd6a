import { z } from 'zod'
import { WINNERS_BY_TIME } from './winners-by-time.ts'

/** The largest number of a batch of which there are copies, published or not. */
export const lastBatch = {
  name: 'last-batch',
  sql: 'SELECT max(batch) AS last, count() AS rows FROM copies WHERE batch >= {from:UInt64} AND batch < {to:UInt64}',
  row: z
    .object({ last: z.string().transform(Number), rows: z.string() })
    .transform(({ last, rows }) => ({ batch: rows === '0' ? undefined : last })),
}

export const lastSeq = {
  name: 'last-seq',
  sql: `
    SELECT greatest(
      (SELECT max(seq) FROM winners), (SELECT max(seq) FROM ${WINNERS_BY_TIME}),
      (SELECT max(version) FROM batches), (SELECT max(version) FROM winners_filled)) AS last`,
  row: z.object({ last: z.string().transform(Number) }).transform(({ last }) => ({ seq: last })),
}
