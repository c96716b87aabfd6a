import { z } from 'zod'
import { CONTEXT_TIERS, type Grouping, SLOT_MS, type TokenQuery } from '../../domain/token-query.ts'
import type { Params, Statement } from '../database.ts'

const bigint = z.string().transform(BigInt)
const number = z.string().transform(Number)

const ROW = z.object({
  /** The grouping of the row: `whole` by model and tier, `sessions` for their number, or one that was asked for. */
  kind: z.string(),
  model: z.string().nullable(),
  tier: z.number().nullable(),
  key: z.string(),
  input_sum: bigint,
  output_sum: bigint,
  cache_read_sum: bigint,
  cache_creation_5m_sum: bigint,
  cache_creation_1h_sum: bigint,
  records: bigint,
  first_ms: number,
  last_ms: number,
  sessions: number.optional(),
  /** Project, user and host of the latest record. */
  latest: z.tuple([z.string(), z.string(), z.string(), number, z.string(), number]).optional(),
})
export type AnswerRow = z.infer<typeof ROW>

const KEYS: Record<Grouping, string> = { project: 'project', user: 'user', session: 'session', slot: 'slot' }

/** One statement for all sections of one answer, so that they are of one moment. */
export function answerStatement(
  { filter, groupings }: TokenQuery,
  excluded: { sql: string; params: Params } | undefined,
): { statement: Statement<AnswerRow>; params: Params } {
  const bySession = groupings.includes('session')
  const sets = ['(model, tier)', ...groupings.map((grouping) => `(${KEYS[grouping]}, model, tier)`)]
  if (!bySession) sets.push('()')
  const { conditions, params } = conditionsOf(filter)
  if (excluded !== undefined) conditions.push(`identity NOT IN ${excluded.sql}`)
  const tier = CONTEXT_TIERS.map((tokens) => `(prompt > ${tokens})`).join(' + ')
  const kind = [
    ...groupings.map((grouping) => `GROUPING(${KEYS[grouping]}) = 0, '${grouping}'`),
    `GROUPING(model) = 0, 'whole'`,
  ].join(', ')
  const key = groupings.map((grouping) => `GROUPING(${KEYS[grouping]}) = 0, toString(${KEYS[grouping]})`).join(', ')
  const sql = `
    SELECT
      multiIf(${kind}, 'sessions') AS kind,
      model, toUInt8(tier) AS tier,
      ${key === '' ? "''" : `multiIf(${key}, '')`} AS key,
      sum(toUInt128(input)) AS input_sum,
      sum(toUInt128(output)) AS output_sum,
      sum(toUInt128(cache_read)) AS cache_read_sum,
      sum(toUInt128(cache_creation_5m)) AS cache_creation_5m_sum,
      sum(toUInt128(cache_creation_1h)) AS cache_creation_1h_sum,
      count() AS records,
      min(ms) AS first_ms,
      max(ms) AS last_ms,
      ${bySession ? 'argMax((project, user, host, ms, path, offset), (ms, path, offset)) AS latest' : 'uniqExact(session) AS sessions'}
    FROM (
      SELECT
        model, project, user, host, session, input, output, cache_read, cache_creation_5m, cache_creation_1h, path, offset,
        toUnixTimestamp64Milli(time) AS ms,
        intDiv(ms, ${SLOT_MS}) AS slot,
        input + cache_read + cache_creation_5m + cache_creation_1h AS prompt,
        ${tier} AS tier
      FROM winners FINAL
      ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
    )
    GROUP BY GROUPING SETS (${sets.join(', ')})`
  return { statement: { name: 'answer', sql, row: ROW }, params: { ...params, ...excluded?.params } }
}

const LISTS = { projects: 'project', models: 'model', sessionIds: 'session', users: 'user', hosts: 'host' } as const

function conditionsOf(filter: TokenQuery['filter']): { conditions: string[]; params: Params } {
  const conditions: string[] = []
  const params: Params = {}
  if (filter.from !== undefined) {
    conditions.push('time >= fromUnixTimestamp64Milli({from:Int64})')
    params.from = filter.from
  }
  if (filter.to !== undefined) {
    conditions.push('time < fromUnixTimestamp64Milli({to:Int64})')
    params.to = filter.to
  }
  for (const [list, column] of Object.entries(LISTS) as [keyof typeof LISTS, string][]) {
    const names = filter[list]
    if (names === undefined) continue
    conditions.push(`has({${list}:Array(String)}, ${column})`)
    params[list] = names
  }
  return { conditions, params }
}
