import { type Claim, elect } from '../../domain/rank.ts'
import type { CountField } from '../../domain/token-counts.ts'
import { type KnownFile, NONE } from './known-file.ts'
import { isRowBetter, type RankedRows, rankOf } from './row-ranks.ts'

/** Which row of an identity counts, of several. */
export const bestOf = (rows: RankedRows, some: readonly number[]): number =>
  elect(some, { rankOf: (row) => rankOf(rows, row), claimOf: (row) => claimOf(rows, row) })

/** Whether two rows came from different users, or in different ways. */
export function isOfAnother(rows: RankedRows, a: number, b: number): boolean {
  const { file, origin } = rows.columns
  if (file[a] === file[b] && origin[a] === origin[b]) return false
  if (isByMutation(rows, a) !== isByMutation(rows, b)) return true
  return !rows.origins.haveSameUser(origin[a] as number, origin[b] as number)
}

/**
 * Of the rows of an identity, those that do not count and conflict with the one that does: of each other user, and each
 * other way in, the best, where its figures are others.
 */
export function conflictsWith(rows: RankedRows, best: number, some: readonly number[]): number[] {
  const bringers = Map.groupBy(some, (row) => `${isByMutation(rows, row)} ${userOf(rows, row)}`)
  bringers.delete(`${isByMutation(rows, best)} ${userOf(rows, best)}`)
  return [...bringers.values()].map((of) => firstByRank(rows, of)).filter((row) => hasOtherFigures(rows, row, best))
}

const fileOf = ({ columns, files }: RankedRows, row: number): KnownFile =>
  files[columns.file[row] as number] as KnownFile

const isByMutation = (rows: RankedRows, row: number): boolean => fileOf(rows, row).byMutation

const userOf = ({ columns, origins }: RankedRows, row: number): string => origins.at(columns.origin[row] as number).user

const firstByRank = (rows: RankedRows, some: readonly number[]): number =>
  some.reduce((best, row) => (isRowBetter(rows, row, best) ? row : best), some[0] ?? NONE)

const claimOf = (rows: RankedRows, row: number): Claim => ({
  stamp: rows.columns.stampOf(row),
  segment: fileOf(rows, row).log.key,
  user: userOf(rows, row),
})

export function hasOtherFigures({ columns: { counts } }: RankedRows, a: number, b: number): boolean {
  const differ = (field: CountField): boolean => counts[field][a] !== counts[field][b]
  const created = (row: number): number =>
    (counts.cacheCreation5m[row] as number) + (counts.cacheCreation1h[row] as number)
  // not every way in knows for how long something was cached
  return differ('input') || differ('output') || differ('cacheRead') || created(a) !== created(b)
}
