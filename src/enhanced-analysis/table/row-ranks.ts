import { outranks, type Rank } from '../../domain/rank.ts'
import { TOKEN_COUNTS } from '../../domain/token-counts.ts'
import type { RecordColumns } from './file-update.ts'
import type { KnownFile } from './known-file.ts'
import type { Origins } from './origins.ts'
import { type Columns, SIDECHAIN } from './record-columns.ts'

/** What of a table says the rank of its rows. */
export interface RankedRows {
  columns: Columns
  files: readonly (KnownFile | undefined)[]
  origins: Origins
}

/** What decides whether a row counts. */
export function rankOf({ columns: c, files, origins }: RankedRows, row: number): Rank {
  const { byMutation, log } = files[c.file[row] as number] as KnownFile
  return {
    byMutation,
    sidechain: ((c.flags[row] as number) & SIDECHAIN) !== 0,
    total: c.total(row),
    time: c.time[row] as number,
    path: origins.at(c.origin[row] as number).path,
    offset: c.rankOffset[row] as number,
    key: log.key,
    position: c.offset[row] as number,
  }
}

/** Whether a row outranks another one. */
export const isRowBetter = (rows: RankedRows, a: number, b: number): boolean =>
  outranks(rankOf(rows, a), rankOf(rows, b))

/** Whether a record outranks a row of the same log. */
export function isBetter(table: RankedRows, records: RecordColumns, i: number, origin: number, row: number): boolean {
  let total = 0
  for (const field of TOKEN_COUNTS) total += records[field][i] as number
  const other = rankOf(table, row)
  const rank: Rank = {
    ...other,
    sidechain: records.sidechain[i] === 1,
    total,
    time: records.time[i] as number,
    path: table.origins.at(origin).path,
    offset: (records.rankOffset ?? records.offset)[i] as number,
    position: records.offset[i] as number,
  }
  return outranks(rank, other)
}
