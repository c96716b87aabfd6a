import { isClaimedBefore } from '../../domain/rank.ts'
import type { CountField } from '../../domain/token-counts.ts'
import { type KnownFile, NONE } from './known-file.ts'
import { isRowBetter, type RankedRows } from './row-ranks.ts'

/** Which row of an identity counts, of several. */
export function bestOf(rows: RankedRows, some: readonly number[]): number {
  const best = firstByRank(rows, some)
  // nobody owns what a transcript says
  if (!isByMutation(rows, best)) return best
  const owner = userOf(
    rows,
    some.reduce((first, row) => (isFirst(rows, row, first) ? row : first)),
  )
  return firstByRank(
    rows,
    some.filter((row) => userOf(rows, row) === owner),
  )
}

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

function isFirst(rows: RankedRows, a: number, b: number): boolean {
  const [one, other] = [a, b].map((row) => ({
    stamp: rows.columns.stampOf(row),
    segment: fileOf(rows, row).log.key,
    user: userOf(rows, row),
  }))
  return isClaimedBefore(one as never, other as never)
}

export function hasOtherFigures({ columns: { counts } }: RankedRows, a: number, b: number): boolean {
  const differ = (field: CountField): boolean => counts[field][a] !== counts[field][b]
  const created = (row: number): number =>
    (counts.cacheCreation5m[row] as number) + (counts.cacheCreation1h[row] as number)
  // not every way in knows for how long something was cached
  return differ('input') || differ('output') || differ('cacheRead') || created(a) !== created(b)
}
