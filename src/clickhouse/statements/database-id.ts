import { z } from 'zod'

export const databaseId = {
  name: 'database-id' as const,
  // the smallest, should two processes have made one at once
  sql: 'SELECT min(id) AS id FROM database_id',
  row: z.object({ id: z.string() }),
}
