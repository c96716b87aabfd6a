import { z } from 'zod'
import { PICODOLLARS_A_MICRODOLLAR } from '../../domain/cost.ts'
import type { BreakdownOrder } from '../../domain/cuts.ts'
import type { SessionRank } from '../../domain/session-page.ts'
import type { TokenFilter } from '../../domain/token-query.ts'
import type { Params, Statement } from '../database.ts'
import { countedRows, type Within } from './counted-rows.ts'
import type { Priced } from './priced.ts'
import { TOTAL_SUM } from './record-sql.ts'

const number = z.string().transform(Number)

const ROW = z.object({
  /** What it has in each column. */
  values: z.array(z.string()),
  first_ms: number,
  last_ms: number,
  /** How many there are of all, whatever place they have. */
  all_groups: number,
})
export type RankedRow = z.infer<typeof ROW>

/** What groups are ordered by, and which of them are told. */
export interface Ranking {
  columns: readonly string[]
  by: SessionRank | 'RECORDS' | 'VALUE'
  /** The largest rank first; `values`: also the last values first, of those with the same rank. */
  descending: { rank: boolean; values: boolean }
  /** Begins behind this place. */
  after?: { rank: bigint; value: string } | undefined
  first: number
  /** Of rows; asked of an order by cost alone. */
  priced?: Priced | undefined
  /** A condition on the columns. */
  where: string | undefined
}

export const BREAKDOWN_RANKS: Record<BreakdownOrder, Ranking['by']> = {
  TOKENS_DESC: 'TOKENS',
  COST_DESC: 'COST',
  RECORDS_DESC: 'RECORDS',
  VALUE_ASC: 'VALUE',
}

/** The same whole numbers as in the domain (`session-page.ts`, `breakdown.ts`). */
const RANK_SQL: Record<Ranking['by'], (priced: Priced | undefined) => string> = {
  LAST_ACTIVITY: () => 'max(last_at)',
  STARTED: () => 'min(first_at)',
  TOKENS: () => TOTAL_SUM,
  COST: (priced) => {
    const { picodollars, isPriced } = priced as Priced
    const rounded = `intDiv(sum(${picodollars}) + ${PICODOLLARS_A_MICRODOLLAR / 2n}, ${PICODOLLARS_A_MICRODOLLAR})`
    return `if(max(${isPriced}) = 0 AND ${TOTAL_SUM} > 0, toInt128(-1), toInt128(${rounded}))`
  },
  RECORDS: () => 'sum(records)',
  VALUE: () => '0',
}

/** The first groups of an order. */
export function rankedStatement(
  filter: TokenFilter,
  within: Within,
  ranking: Ranking,
): { statement: Statement<RankedRow>; params: Params } {
  const { columns, by, descending, after, first, priced, where } = ranking
  const { rows, params } = countedRows(filter, within)
  const list = columns.join(', ')
  const values = columns.map((column) => `${column} ${descending.values ? 'DESC' : 'ASC'}`)
  const behind = descending.rank ? '<' : '>'
  const sql = `
    SELECT
      [${columns.map((column) => `toString(${column})`).join(', ')}] AS values,
      first_ms, last_ms, all_groups
    FROM (
      SELECT ${list}, rank, first_ms, last_ms, count() OVER () AS all_groups
      FROM (
        SELECT ${list}, toInt128(${RANK_SQL[by](priced)}) AS rank, min(first_at) AS first_ms, max(last_at) AS last_ms
        FROM (${rows})
        ${where === undefined ? '' : `WHERE ${where}`}
        GROUP BY ${list}
      )
    )
    ${after === undefined ? '' : `WHERE (rank, ${list}) ${behind} ({after_rank:Int256}, {after_value:String})`}
    ORDER BY rank ${descending.rank ? 'DESC' : 'ASC'}, ${values.join(', ')}
    LIMIT {first:UInt32}`
  return {
    statement: { name: 'ranked' as const, sql, row: ROW },
    params: {
      ...params,
      ...priced?.params,
      first,
      ...(after === undefined ? {} : { after_rank: after.rank, after_value: after.value }),
    },
  }
}
