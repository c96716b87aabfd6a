import { z } from 'zod'

export const JOURNAL_COLUMNS = ['journal', 'instance', 'beat', 'pending', 'ended'] as const

const milliseconds = z.string().transform(Number)

/** The latest sign of each instance, all of one moment. */
export const journalSigns = {
  name: 'journal-signs' as const,
  sql: `
    SELECT
      toUnixTimestamp64Milli(now64(3)) AS now,
      groupArray((journal, instance, toUnixTimestamp64Milli(beat), pending, ended)) AS signs
    FROM journals FINAL`,
  row: z.object({
    now: milliseconds,
    signs: z.array(z.tuple([z.string(), z.string(), milliseconds, z.boolean(), z.boolean()])),
  }),
}
