import { compareUtf8 } from './compare-utf8.ts'
import type { PriceOf } from './cost.ts'
import { type Axis, type Dimension, dimensionsOf, type Grouping } from './dimensions.ts'
import { addUp, createSums } from './merge-answers.ts'
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
type Compare = (a: Ranked, b: Ranked) => number

/**
 * The rows of a breakdown, from the groups of its grouping in any order: the combinations that are the first in the
 * order asked for over the whole range, and in each bucket one row for all others that are in it. Buckets ascend, within
 * one its rows are in the order asked for, what was cut off last. All rows together are the whole. It yields after each
 * group, combination and bucket.
 */
export function* breakDown(
  groups: readonly GroupUsage[],
  breakdown: Breakdown,
  priceOf: PriceOf,
): Work<BreakdownRow[]> {
  const compare = orderOf(breakdown.orderBy)
  const combinations = yield* combine(groups, breakdown.by)
  const { kept, cut } = yield* firstOf(combinations, breakdown.first, compare, priceOf)
  const rows: BreakdownRow[] = []
  for (const { told, others, ...place } of yield* inBuckets(kept, cut, breakdown.buckets)) {
    const inBucket = told.map(({ values, usage }) => ({ values, ...usageOf(addUp(usage), priceOf) })).sort(compare)
    rows.push(...inBucket.map((row) => ({ ...row, isOther: false, ...place })))
    if (others.length > 0) rows.push({ values: [], isOther: true, ...place, ...usageOf(others, priceOf) })
    yield
  }
  return rows
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

/** Parts combinations at the first ones of an order. No more than twice as many as are kept are sorted in one go. */
function* firstOf(
  combinations: Iterable<Combination>,
  first: number,
  compare: Compare,
  priceOf: PriceOf,
): Work<{ kept: Combination[]; cut: Combination[] }> {
  const best: { combination: Combination; ranked: Ranked }[] = []
  const cut: Combination[] = []
  const cutOff = (): void => {
    best.sort((a, b) => compare(a.ranked, b.ranked))
    for (const { combination } of best.splice(first)) cut.push(combination)
  }
  for (const combination of combinations) {
    const { values, cells } = combination
    best.push({ combination, ranked: { values, ...usageOf(addUp([...cells.values()].flat()), priceOf) } })
    if (best.length === 2 * first) cutOff()
    yield
  }
  cutOff()
  return { kept: best.map(({ combination }) => combination), cut }
}

interface Bucket extends Pick<BreakdownRow, 'start' | 'label'> {
  told: { values: readonly string[]; usage: UsageSums[] }[]
  /** Sums of what was cut off, of each model and tier. */
  others: UsageSums[]
}

/** What was kept and what was cut off in each bucket, the earliest first. */
function* inBuckets(
  kept: readonly Combination[],
  cut: readonly Combination[],
  buckets: Buckets | undefined,
): Work<Bucket[]> {
  const found = new Map<number, { told: Bucket['told']; others: ReturnType<typeof createSums> }>()
  const bucketAt = (start: number) => {
    const bucket = found.get(start) ?? { told: [], others: createSums() }
    found.set(start, bucket)
    return bucket
  }
  for (const { values, cells } of kept) {
    for (const [start, usage] of cells) bucketAt(start).told.push({ values, usage })
    yield
  }
  for (const { cells } of cut) {
    for (const [start, usage] of cells) bucketAt(start).others.add(usage)
    yield
  }
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([start, { told, others }]) => ({
      start: buckets === undefined ? null : start,
      label: buckets === undefined ? null : bucketLabel(start, buckets),
      told,
      others: others.all,
    }))
}

/** What cannot be priced comes after everything that can: it is not free, and not dear. */
const COMPARE: Record<BreakdownOrder, Compare> = {
  TOKENS_DESC: (a, b) => compareBigint(b.tokens.total, a.tokens.total),
  COST_DESC: (a, b) => (b.costUsd ?? -1) - (a.costUsd ?? -1),
  RECORDS_DESC: (a, b) => compareBigint(b.recordCount, a.recordCount),
  VALUE_ASC: () => 0,
}

const orderOf =
  (orderBy: BreakdownOrder): Compare =>
  (a, b) =>
    COMPARE[orderBy](a, b) || compareValues(a.values, b.values)

function compareValues(a: readonly string[], b: readonly string[]): number {
  for (const [i, value] of a.entries()) {
    const byValue = compareUtf8(value, b[i] as string)
    if (byValue !== 0) return byValue
  }
  return 0
}
