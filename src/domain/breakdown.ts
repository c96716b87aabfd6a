import { compareUtf8 } from './compare-utf8.ts'
import type { PriceOf } from './cost.ts'
import { type Axis, type Dimension, dimensionsOf, type Grouping } from './dimensions.ts'
import { addUp } from './merge-answers.ts'
import { type Buckets, bucketLabel } from './time-buckets.ts'
import type { GroupUsage, UsageSums } from './token-query.ts'
import { compareBigint, groupByModel, type Usage, usageOf } from './usage.ts'
import type { Work } from './work.ts'

export const BREAKDOWN_ORDERS = ['TOKENS_DESC', 'COST_DESC', 'RECORDS_DESC', 'VALUE_ASC'] as const
export type BreakdownOrder = (typeof BREAKDOWN_ORDERS)[number]

/** What is broken down by, and how much of it is told. */
export interface Breakdown {
  /** Each once. */
  by: readonly Dimension[]
  buckets: Buckets | undefined
  /** Combinations that are told, over the whole range; the others are summed up. */
  first: number
  orderBy: BreakdownOrder
}

export type BreakdownRow = Usage & {
  /** Of each dimension of `by`, in its order; none where it is the sum of what was cut off. */
  values: readonly string[]
  isOther: boolean
  /** The bucket: milliseconds since 1970, and its label; `null` without buckets. */
  start: number | null
  label: string | null
}

/** What a source is to group by; sums are by model anyway. Empty: the whole is enough. */
export function groupingOf({ by, buckets }: Pick<Breakdown, 'by' | 'buckets'>): Grouping {
  const axes: Axis[] = by.filter((name) => name !== 'model')
  return buckets === undefined ? axes : [...axes, buckets]
}

/** One combination of values, with its sums in each bucket. */
interface Combination {
  values: readonly string[]
  cells: Map<number, UsageSums[]>
}

type Ranked = Usage & Pick<BreakdownRow, 'values'>

/**
 * The rows of a breakdown, from the groups of its grouping in any order: the combinations that are the first in the
 * order asked for over the whole range, and in each bucket one row for all others that are in it. Buckets ascend, within
 * one its rows are in the order asked for, what was cut off last. All rows together are the whole. It yields after each
 * group and row.
 */
export function* breakDown(
  groups: readonly GroupUsage[],
  breakdown: Breakdown,
  priceOf: PriceOf,
): Work<BreakdownRow[]> {
  const combinations = yield* combine(groups, breakdown.by)
  const ranked: { combination: Combination; usage: Ranked }[] = []
  for (const combination of combinations) {
    const sums = addUp([...combination.cells.values()].flat())
    ranked.push({ combination, usage: { values: combination.values, ...usageOf(sums, priceOf) } })
    yield
  }
  const compare = COMPARE[breakdown.orderBy]
  ranked.sort((a, b) => compare(a.usage, b.usage) || compareValues(a.usage.values, b.usage.values))
  const rows = yield* rowsOf(
    ranked.map(({ combination }) => combination),
    breakdown,
    priceOf,
  )
  return rows.sort(
    (a, b) =>
      Number(a.start) - Number(b.start) ||
      Number(a.isOther) - Number(b.isOther) ||
      compare(a, b) ||
      compareValues(a.values, b.values),
  )
}

function* combine(groups: readonly GroupUsage[], by: readonly Dimension[]): Work<Iterable<Combination>> {
  const combinations = new Map<string, Combination>()
  const places = placesOf(by)
  const byModel = by.includes('model')
  for (const { values, start, usage } of groups) {
    for (const part of byModel ? groupByModel(usage) : [{ values: [], usage }]) {
      const all = [...values, ...part.values]
      const combined = places.map((place) => all[place] as string)
      const key = JSON.stringify(combined)
      const known = combinations.get(key) ?? { values: combined, cells: new Map() }
      combinations.set(key, known)
      known.cells.set(start, [...(known.cells.get(start) ?? []), ...part.usage])
    }
    yield
  }
  return combinations.values()
}

/** For each dimension, where its value stands among those of a group and, behind them, the model. */
function placesOf(by: readonly Dimension[]): number[] {
  const grouped = dimensionsOf(groupingOf({ by, buckets: undefined }))
  return by.map((name) => (name === 'model' ? grouped.length : grouped.indexOf(name)))
}

function* rowsOf(
  ranked: readonly Combination[],
  { first, buckets }: Breakdown,
  priceOf: PriceOf,
): Work<BreakdownRow[]> {
  const labels = new Map<number, string | null>()
  const placeOf = (start: number): Pick<BreakdownRow, 'start' | 'label'> => {
    const label = labels.get(start) ?? (buckets === undefined ? null : bucketLabel(start, buckets))
    labels.set(start, label)
    return { start: buckets === undefined ? null : start, label }
  }
  const rows: BreakdownRow[] = []
  for (const { values, cells } of ranked.slice(0, first))
    for (const [start, usage] of cells) {
      rows.push({ values, isOther: false, ...placeOf(start), ...usageOf(addUp(usage), priceOf) })
      yield
    }
  const others = new Map<number, UsageSums[]>()
  for (const { cells } of ranked.slice(first))
    for (const [start, usage] of cells) {
      const other = others.get(start)
      if (other === undefined) others.set(start, [...usage])
      else other.push(...usage)
      yield
    }
  for (const [start, usage] of others)
    rows.push({ values: [], isOther: true, ...placeOf(start), ...usageOf(addUp(usage), priceOf) })
  return rows
}

/** What cannot be priced comes after everything that can: it is not free, and not dear. */
const COMPARE: Record<BreakdownOrder, (a: Ranked, b: Ranked) => number> = {
  TOKENS_DESC: (a, b) => compareBigint(b.tokens.total, a.tokens.total),
  COST_DESC: (a, b) => (b.costUsd ?? -1) - (a.costUsd ?? -1),
  RECORDS_DESC: (a, b) => compareBigint(b.recordCount, a.recordCount),
  VALUE_ASC: () => 0,
}

function compareValues(a: readonly string[], b: readonly string[]): number {
  for (const [i, value] of a.entries()) {
    const byValue = compareUtf8(value, b[i] as string)
    if (byValue !== 0) return byValue
  }
  return 0
}
