import { z } from 'zod'

export const AUDIT_COLUMNS = [
  'chain',
  'position',
  'at',
  'instance',
  'who',
  'action',
  'outcome',
  'detail',
  'address',
  'request',
  'count',
  'line',
] as const

const number = z.string().transform(Number)

/** The last line of a chain. */
export const lastAuditLine = {
  name: 'last-audit-line' as const,
  sql: `
    SELECT position, line FROM audit WHERE chain = {chain:String}
    ORDER BY position DESC, told LIMIT 1`,
  row: z.object({ position: number, line: z.string() }),
}

/** Entries of other chains before a place, the latest first. */
export const auditBefore = {
  name: 'audit-before' as const,
  sql: `
    SELECT
      chain, position, toUnixTimestamp64Milli(at) AS moment, instance, who, action, outcome, detail,
      address, request, count
    FROM audit
    WHERE chain != {own:String}
      AND (toUnixTimestamp64Milli(at), chain, position) < ({at:Int64}, {chain:String}, {position:UInt64})
      AND ({who:Nullable(String)} IS NULL OR who = {who:Nullable(String)})
      AND ({action:Nullable(String)} IS NULL OR action = {action:Nullable(String)})
    ORDER BY moment DESC, chain DESC, position DESC, told
    LIMIT 1 BY chain, position
    LIMIT {most:UInt32}`,
  row: z
    .object({
      chain: z.string(),
      position: number,
      moment: number,
      instance: z.string(),
      who: z.string().nullable(),
      action: z.string(),
      outcome: z.string(),
      detail: z.string().nullable(),
      address: z.string().nullable(),
      request: z.string().nullable(),
      count: number,
    })
    .transform(({ moment: at, address: from, ...rest }) => ({ at, from, ...rest })),
}
