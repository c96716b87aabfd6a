import { z } from 'zod'
import { CONTEXT_TIERS, type Grouping, SLOT_MS, type TokenQuery } from '../../domain/token-query.ts'
import type { Params, Statement } from '../database.ts'
import { COUNT_SUMS, PROMPT, SUM_COLUMNS, WINNER_COLUMNS } from './record-sql.ts'

const bigint = z.string().transform(BigInt)
const number = z.string().transform(Number)

const ROW = z.object({
  /** The grouping of the row: `whole` by model and tier, or one that was asked for. */
  kind: z.string(),
  model: z.string(),
  tier: z.number(),
  key: z.string(),
  ...SUM_COLUMNS,
  records: bigint,
  first_ms: number,
  last_ms: number,
  /** Project, user and host of the latest record. */
  latest: z.tuple([z.string(), z.string(), z.string(), number, z.string(), number]).optional(),
})
export type AnswerRow = z.infer<typeof ROW>

/** Identities that are left out: an expression for their set, and its parameters. */
export interface Excluded {
  sql: string
  params: Params
}

/** Someone waits for it, and the files can answer instead. */
const ANSWER_SECONDS = 15

const KEYS: Record<Grouping, string> = { project: 'project', user: 'user', session: 'session', slot: 'slot' }

/** The whole, and every breakdown that is asked for but that by session. */
export function answerStatement(
  { filter, groupings }: TokenQuery,
  excluded: Excluded | undefined,
): { statement: Statement<AnswerRow>; params: Params } {
  const others = groupings.filter((grouping) => grouping !== 'session')
  const sets = ['(model, tier)', ...others.map((grouping) => `(${KEYS[grouping]}, model, tier)`)]
  return sumsStatement('answer', filter, excluded, others, sets, false)
}

/**
 * The breakdown by session: a statement of its own, because the latest record of each session would be looked for in
 * every other group, too. Both are of one moment as long as nothing is published in between (`publication-gate.ts`).
 */
export function sessionsStatement(
  { filter }: TokenQuery,
  excluded: Excluded | undefined,
): { statement: Statement<AnswerRow>; params: Params } {
  return sumsStatement('sessions', filter, excluded, ['session'], ['(session, model, tier)'], true)
}

function sumsStatement(
  name: string,
  filter: TokenQuery['filter'],
  excluded: Excluded | undefined,
  groupings: readonly Grouping[],
  sets: readonly string[],
  withLatest: boolean,
): { statement: Statement<AnswerRow>; params: Params } {
  const { where, params } = whereOf(filter, excluded)
  const tier = CONTEXT_TIERS.map((tokens) => `(prompt > ${tokens})`).join(' + ')
  const kind = [...groupings.map((grouping) => `GROUPING(${KEYS[grouping]}) = 0, '${grouping}'`)].join(', ')
  const key = groupings.map((grouping) => `GROUPING(${KEYS[grouping]}) = 0, toString(${KEYS[grouping]})`).join(', ')
  const sql = `
    SELECT
      ${kind === '' ? "'whole'" : `multiIf(${kind}, 'whole')`} AS kind,
      model, toUInt8(tier) AS tier,
      ${key === '' ? "''" : `multiIf(${key}, '')`} AS key,
      ${COUNT_SUMS},
      count() AS records,
      min(ms) AS first_ms,
      max(ms) AS last_ms
      ${withLatest ? ', argMax((project, user, host, ms, path, offset), (ms, path, offset)) AS latest' : ''}
    FROM (
      SELECT
        ${WINNER_COLUMNS.filter((column) => column !== 'time').join(', ')},
        toUnixTimestamp64Milli(time) AS ms,
        intDiv(ms, ${SLOT_MS}) AS slot,
        ${PROMPT} AS prompt,
        ${tier} AS tier
      FROM winners FINAL
      ${where}
    )
    GROUP BY GROUPING SETS (${sets.join(', ')})`
  return {
    statement: { name, sql, row: ROW, deadlineSeconds: ANSWER_SECONDS },
    params,
  }
}

/** The number of sessions: a statement of its own, because in the other it would be counted for every group. */
export function sessionCountStatement(
  { filter }: TokenQuery,
  excluded: Excluded | undefined,
): { statement: Statement<{ sessions: number }>; params: Params } {
  const { where, params } = whereOf(filter, excluded)
  const sql = `SELECT uniqExact(session) AS sessions FROM winners FINAL ${where}`
  const row = z.object({ sessions: number })
  return { statement: { name: 'session-count', sql, row, deadlineSeconds: ANSWER_SECONDS }, params }
}

const LISTS = { projects: 'project', models: 'model', sessionIds: 'session', users: 'user', hosts: 'host' } as const

function whereOf(filter: TokenQuery['filter'], excluded: Excluded | undefined): { where: string; params: Params } {
  const conditions = excluded === undefined ? [] : [`identity NOT IN ${excluded.sql}`]
  const params: Params = { ...excluded?.params }
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
  return { where: conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`, params }
}
