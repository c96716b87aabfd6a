import { z } from 'zod'

export const STATE_COLUMNS = ['id', 'entry'] as const

/**
 * What was counted for the experiment is kept for 30 days (`KEPT_DAYS`), mismatches for 90 (`KEPT_MISMATCH_DAYS`), all else
 * for good. ClickHouse deletes it by itself, when it merges (0011), which may be later.
 */
export const stateSince = {
  name: 'state-since' as const,
  sql: `
    SELECT toUnixTimestamp64Milli(told) AS at, id, entry FROM operational_state
    WHERE told >= fromUnixTimestamp64Milli({told:Int64}, 'UTC')
      AND (told >= now() - INTERVAL 31 DAY OR NOT startsWith(entry, '{"kind":"experiment"'))
      AND (told >= now() - INTERVAL 91 DAY OR NOT startsWith(entry, '{"kind":"mismatch"'))
    ORDER BY told`,
  row: z
    .object({ at: z.string().transform(Number), id: z.string(), entry: z.string() })
    .transform(({ at: told, ...rest }) => ({ told, ...rest })),
}
