import { compareUtf8 } from './compare-utf8.ts'
import { costRank, type PriceOf } from './cost.ts'
import type { Breakdown, BreakdownOrder } from './cuts.ts'
import { type Axis, type Dimension, dimensionsOf, type Grouping } from './dimensions.ts'
import { addUp, createSums } from './merge-answers.ts'
import { type Buckets, bucketLabel } from './time-buckets.ts'
import { totalOfSums } from './token-counts.ts'
import type { CutGroups, GroupUsage, UsageSums } from './token-query.ts'
import { compareBigint, groupByModel, type Usage, usageOf } from './usage.ts'
import type { Work } from './work.ts'

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

interface Ranked {
  values: readonly string[]
  rank: bigint
}

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
  const combinations = yield* combine(groups, breakdown.by)
  const { kept, cut } = yield* firstOf(combinations.values(), breakdown, priceOf)
  return yield* toRows(kept, cut, breakdown, priceOf)
}

/** The same from what is cut already. */
export function* breakDownCut(
  { told, others }: CutGroups,
  breakdown: Breakdown,
  priceOf: PriceOf,
): Work<BreakdownRow[]> {
  return yield* toRows([...combineTold(told).values()], [cellsOf(others)], breakdown, priceOf)
}

/**
 * Adds groups of other records to a breakdown that is cut, and cuts it anew. It must tell each combination that these
 * groups have, too, beside the first of all others.
 */
export function* addToCut(
  { told, others }: CutGroups,
  groups: readonly GroupUsage[],
  breakdown: Breakdown,
  priceOf: PriceOf,
): Work<CutGroups> {
  const combinations = yield* combine(groups, breakdown.by, combineTold(told))
  const { kept, cut } = yield* firstOf(combinations.values(), breakdown, priceOf)
  const rest = new Map<number, ReturnType<typeof createSums>>()
  for (const { cells } of [cellsOf(others), ...cut]) {
    for (const [start, usage] of cells) {
      const sums = rest.get(start) ?? createSums()
      rest.set(start, sums)
      sums.add(usage)
    }
    yield
  }
  return {
    told: kept.flatMap(({ values, cells }) =>
      Array.from(cells, ([start, usage]) => ({ values: [...values], start, usage: addUp(usage) })),
    ),
    others: Array.from(rest, ([start, sums]) => ({ values: [], start, usage: sums.all })),
  }
}

/** The combinations of groups, in the order of a breakdown's dimensions. */
export function* combinationsOf(groups: readonly GroupUsage[], by: readonly Dimension[]): Work<(readonly string[])[]> {
  return Array.from((yield* combine(groups, by)).values(), ({ values }) => values)
}

function* toRows(
  kept: readonly Combination[],
  cut: readonly Pick<Combination, 'cells'>[],
  { orderBy, buckets }: Breakdown,
  priceOf: PriceOf,
): Work<BreakdownRow[]> {
  const rankOf = RANK_OF[orderBy]
  const rows: BreakdownRow[] = []
  for (const { told, others, ...place } of yield* inBuckets(kept, cut, buckets)) {
    const inBucket = told
      .map(({ values, usage }) => ({ values, usage, rank: rankOf(usage, priceOf) }))
      .sort(compareRanked)
    for (const { values, usage } of inBucket)
      rows.push({ values, ...usageOf(addUp(usage), priceOf), isOther: false, ...place })
    if (others.length > 0) rows.push({ values: [], isOther: true, ...place, ...usageOf(others, priceOf) })
    yield
  }
  return rows
}

type Combinations = Map<string, Combination>

/** Of groups whose values are in the order of the dimensions already. */
function combineTold(told: readonly GroupUsage[]): Combinations {
  const combinations: Combinations = new Map()
  for (const { values, start, usage } of told) addCell(combinations, values, start, usage)
  return combinations
}

function addCell(combinations: Combinations, values: readonly string[], start: number, usage: UsageSums[]): void {
  const key = JSON.stringify(values)
  const known = combinations.get(key) ?? { values, cells: new Map() }
  combinations.set(key, known)
  known.cells.set(start, [...(known.cells.get(start) ?? []), ...usage])
}

const cellsOf = (groups: readonly GroupUsage[]): Pick<Combination, 'cells'> => ({
  cells: new Map(groups.map(({ start, usage }) => [start, usage])),
})

function* combine(
  groups: readonly GroupUsage[],
  by: readonly Dimension[],
  combinations: Combinations = new Map(),
): Work<Combinations> {
  const places = placesOf(by)
  const byModel = by.includes('model')
  for (const { values, start, usage } of groups) {
    for (const part of byModel ? groupByModel(usage) : [{ values: [], usage }]) {
      const all = [...values, ...part.values]
      addCell(
        combinations,
        places.map((place) => all[place] as string),
        start,
        part.usage,
      )
    }
    yield
  }
  return combinations
}

/** For each dimension, where its value stands among those of a group and, behind them, the model. */
function placesOf(by: readonly Dimension[]): number[] {
  const grouped = dimensionsOf(groupingOf({ by, buckets: undefined }))
  return by.map((name) => (name === 'model' ? grouped.length : grouped.indexOf(name)))
}

/** Parts combinations at the first ones of an order. No more than twice as many as are kept are sorted in one go. */
function* firstOf(
  combinations: Iterable<Combination>,
  { first, orderBy }: Breakdown,
  priceOf: PriceOf,
): Work<{ kept: Combination[]; cut: Combination[] }> {
  const rankOf = RANK_OF[orderBy]
  const best: (Ranked & { combination: Combination })[] = []
  const cut: Combination[] = []
  const cutOff = (): void => {
    best.sort(compareRanked)
    for (const { combination } of best.splice(first)) cut.push(combination)
  }
  for (const combination of combinations) {
    const { values, cells } = combination
    best.push({ combination, values, rank: rankOf([...cells.values()].flat(), priceOf) })
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
  cut: readonly Pick<Combination, 'cells'>[],
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

/**
 * What combinations are ordered by, the largest first, as whole numbers, so that every source finds the same. What cannot
 * be priced comes after everything that can: it is not free, and not dear.
 */
const RANK_OF: Record<BreakdownOrder, (usage: readonly UsageSums[], priceOf: PriceOf) => bigint> = {
  TOKENS_DESC: (usage) => usage.reduce((sum, sums) => sum + totalOfSums(sums), 0n),
  COST_DESC: costRank,
  RECORDS_DESC: (usage) => usage.reduce((sum, { records }) => sum + records, 0n),
  VALUE_ASC: () => 0n,
}

const compareRanked = (a: Ranked, b: Ranked): number =>
  compareBigint(b.rank, a.rank) || compareValues(a.values, b.values)

function compareValues(a: readonly string[], b: readonly string[]): number {
  for (const [i, value] of a.entries()) {
    const byValue = compareUtf8(value, b[i] as string)
    if (byValue !== 0) return byValue
  }
  return 0
}
