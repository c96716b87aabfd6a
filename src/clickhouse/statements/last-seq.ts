import { z } from 'zod'

export const lastSeq = {
  name: 'last-seq',
  sql: 'SELECT max(seq) AS last FROM winners',
  row: z.object({ last: z.string().transform(Number) }).transform(({ last }) => ({ seq: last })),
}
