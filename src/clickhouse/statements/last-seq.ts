import { z } from 'zod'

export const lastSeq = {
  name: 'last-seq',
  sql: 'SELECT greatest((SELECT max(seq) FROM winners), (SELECT max(version) FROM batches)) AS last',
  row: z.object({ last: z.string().transform(Number) }).transform(({ last }) => ({ seq: last })),
}
