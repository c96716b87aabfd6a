import { z } from 'zod'
import { bucketsOf, DIMENSIONS, dimensionsOf, type Grouping } from '../../domain/dimensions.ts'
import { fieldOf } from '../../domain/record-fields.ts'
import type { TokenQuery } from '../../domain/token-query.ts'
import { CompactRow, large, listOf, safe, small, text } from '../compact-row.ts'
import type { Params, Statement } from '../database.ts'
import { bucketSlotSql } from './bucket-slots.ts'
import { countedRows, type Within } from './counted-rows.ts'
import { COUNT_SUMS, SUM_CELLS, type SumsRow } from './record-sql.ts'

export interface AnswerRow extends SumsRow {
  /** Which set of columns of those that were asked for the row is of; -1: the whole. */
  kind: number
  /** What it has in the column of the set, a value or the number of a slot; of several columns, a JSON list of them. */
  key: string
  first_ms: number
  last_ms: number
}

/** Project, user and host of a latest record (`domain/latest-record.ts`), and its place. */
export type Latest = [string, string, string, number, string, number]
export type SessionRow = AnswerRow & { latest: Latest }

const CELLS = {
  kind: small,
  model: text,
  tier: small,
  key: text,
  ...SUM_CELLS,
  records: large,
  first_ms: safe,
  last_ms: safe,
}
const latest = (cell: unknown): Latest => {
  const [project, user, host, time, path, offset] = listOf(cell)
  return [text(project), text(user), text(host), safe(time), text(path), safe(offset)]
}
const ROW = new CompactRow<AnswerRow>(CELLS)
const SESSION_ROW = new CompactRow<SessionRow>({ ...CELLS, latest })

interface Sets {
  /** The columns of each set. */
  sets: string[][]
  /** The number of the set of each grouping. */
  setOf: number[]
  /** What stands for buckets of time, by the name of its column. */
  slots: ReadonlyMap<string, string>
}

/**
 * What groupings are grouped by in SQL. Buckets are slots there, one for each bucket where that can be said in SQL; what
 * is left of them is put together as it is read. Groupings by the same columns share their rows.
 */
export function setsOf({ groupings, filter }: Pick<TokenQuery, 'groupings' | 'filter'>): Sets {
  const numbers = new Map<string, number>()
  const sets: string[][] = []
  const slots = new Map<string, string>()
  const slotColumns = new Map<string, string>()
  const slotColumnOf = (sql: string): string => {
    const column = slotColumns.get(sql) ?? `slot_${slotColumns.size}`
    slotColumns.set(sql, column)
    slots.set(column, sql)
    return column
  }
  const setOf = groupings.map((grouping) => {
    const buckets = bucketsOf(grouping)
    const columns = [
      ...dimensionsOf(grouping).map((name) => fieldOf(DIMENSIONS[name].field).column),
      ...(buckets === undefined ? [] : [slotColumnOf(bucketSlotSql(buckets, filter))]),
    ]
    const key = columns.join(' ')
    const number = numbers.get(key) ?? sets.push(columns) - 1
    numbers.set(key, number)
    return number
  })
  return { sets, setOf, slots }
}

/** The whole, and every breakdown that is asked for but the sessions. */
export function answerStatement(
  { filter, groupings }: TokenQuery,
  within: Within,
): { statement: Statement<AnswerRow>; params: Params } {
  const { sql, params } = sums(filter, within, groupings, { whole: true, latest: false })
  return { statement: { name: 'answer' as const, sql, row: ROW }, params }
}

/**
 * The sessions: a statement of its own, because the latest record of each session would be looked for in every other
 * group, too. Both are of one moment as long as nothing is published in between (`publication-gate.ts`).
 */
export function sessionsStatement(
  { filter }: Pick<TokenQuery, 'filter'>,
  within: Within,
): { statement: Statement<SessionRow>; params: Params } {
  const { sql, params } = sums(filter, within, [['session']], { whole: false, latest: true })
  return { statement: { name: 'sessions' as const, sql, row: SESSION_ROW }, params }
}

/** Of sums, of the latest record of each. */
const LATEST = 'argMax((project, user, host, last_at, path, offset), (last_at, path, offset, project, user, host))'

function sums(
  filter: TokenQuery['filter'],
  within: Within,
  groupings: readonly Grouping[],
  also: { whole: boolean; latest: boolean },
): { sql: string; params: Params } {
  const { rows, params } = countedRows(filter, within)
  const { sets: columns, slots } = setsOf({ groupings, filter })
  const tuples = columns.map((list) => `(${[...list, 'model', 'tier'].join(', ')})`)
  const sql = `
    SELECT
      ${eachOf(columns, (_, i) => `${i}`, '-1')} AS kind,
      model, toUInt8(tier) AS tier,
      ${eachOf(columns, keySql, "''")} AS key,
      ${COUNT_SUMS},
      sum(records) AS records,
      min(first_at) AS first_ms,
      max(last_at) AS last_ms
      ${also.latest ? `, ${LATEST} AS latest` : ''}
    FROM (
      SELECT *${[...slots].map(([column, sql]) => `, ${sql} AS ${column}`).join('')}
      FROM (${rows})
    )
    GROUP BY GROUPING SETS (${[...(also.whole ? ['(model, tier)'] : []), ...tuples].join(', ')})`
  return { sql, params }
}

/** Most groupings have one column: no list is made for it. */
function keySql(columns: readonly string[]): string {
  const texts = columns.map((column) => `toString(${column})`)
  return texts.length === 1 ? (texts[0] as string) : `toJSONString(CAST([${texts.join(', ')}], 'Array(String)'))`
}

/** What `make` says for the rows of each grouping, which are told apart by the columns that it has. */
function eachOf(
  columns: readonly string[][],
  make: (list: readonly string[], i: number) => string,
  rest: string,
): string {
  const all = [...new Set(columns.flat())]
  const cases = columns.map((list, i) => {
    const isOf = all.map((column) => `GROUPING(${column}) = ${list.includes(column) ? 0 : 1}`).join(' AND ')
    return `${isOf}, ${make(list, i)}`
  })
  return cases.length === 0 ? rest : `multiIf(${cases.join(', ')}, ${rest})`
}

/** The number of sessions: a statement of its own, because in the other it would be counted for every group. */
export function sessionCountStatement(
  { filter }: Pick<TokenQuery, 'filter'>,
  within: Within,
): { statement: Statement<{ sessions: number }>; params: Params } {
  const { rows, params } = countedRows(filter, within)
  const sql = `SELECT uniqExact(session) AS sessions FROM (${rows})`
  const row = z.object({ sessions: z.string().transform(Number) })
  return { statement: { name: 'session-count' as const, sql, row }, params }
}
