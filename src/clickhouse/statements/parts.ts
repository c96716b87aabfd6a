import { z } from 'zod'

/** Of each table, how many parts that partition has which has the most. */
export const mostParts = {
  name: 'parts' as const,
  sql: `
    SELECT table, max(parts) AS parts
    FROM (
      SELECT table, partition_id, count() AS parts FROM system.parts
      WHERE active AND database = currentDatabase() GROUP BY table, partition_id
    )
    GROUP BY table ORDER BY table`,
  row: z.object({ table: z.string(), parts: z.coerce.number() }),
}
