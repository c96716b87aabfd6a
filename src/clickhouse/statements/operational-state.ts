import { z } from 'zod'

export const STATE_COLUMNS = ['id', 'entry'] as const

export const stateSince = {
  name: 'state-since',
  sql: `
    SELECT toUnixTimestamp64Milli(told) AS at, id, entry FROM operational_state
    WHERE told >= fromUnixTimestamp64Milli({told:Int64}, 'UTC')
    ORDER BY told`,
  row: z
    .object({ at: z.string().transform(Number), id: z.string(), entry: z.string() })
    .transform(({ at: told, ...rest }) => ({ told, ...rest })),
}
