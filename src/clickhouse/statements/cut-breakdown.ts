import type { Breakdown } from '../../domain/cuts.ts'
import type { TokenFilter } from '../../domain/token-query.ts'
import { CompactRow, large, small, text, texts } from '../compact-row.ts'
import type { Params, Statement } from '../database.ts'
import { bucketSlotSql } from './bucket-slots.ts'
import { countedRows, type Within } from './counted-rows.ts'
import { COUNT_SUMS, SUM_CELLS, type SumsRow } from './record-sql.ts'

export interface CutRow extends SumsRow {
  /** 1: of a combination that is told; 0: of all others. */
  told: number
  values: string[]
  /** 0 without buckets. */
  slot: number
}
const ROW = new CompactRow<CutRow>({
  told: small,
  values: texts,
  slot: small,
  model: text,
  tier: small,
  ...SUM_CELLS,
  records: large,
})

/** The sums of combinations that are told (a condition on the columns), and of all others together, in each bucket. */
export function cutStatement(
  filter: TokenFilter,
  within: Within,
  { buckets, columns, isTold }: Pick<Breakdown, 'buckets'> & { columns: readonly string[]; isTold: string },
): { statement: Statement<CutRow>; params: Params } {
  const { rows, params } = countedRows(filter, within)
  const values = columns.map((column, i) => `if(told, toString(${column}), '') AS value_${i}`)
  const names = columns.map((_, i) => `value_${i}`).join(', ')
  const sql = `
    SELECT
      toUInt8(told) AS told, [${names}] AS values, bucket AS slot, model, toUInt8(tier) AS tier,
      ${COUNT_SUMS},
      sum(records) AS records
    FROM (
      SELECT *, ${isTold} AS told, ${values.join(', ')},
        toUInt32(${buckets === undefined ? '0' : bucketSlotSql(buckets, filter)}) AS bucket
      FROM (${rows})
    )
    GROUP BY told, ${names}, bucket, model, tier`
  return { statement: { name: 'cut-breakdown' as const, sql, row: ROW }, params }
}
