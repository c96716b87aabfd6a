import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addToCut, breakDown, breakDownCut, combinationsOf, groupingOf } from '../../../src/domain/breakdown.ts'
import { costRank, type PriceOf } from '../../../src/domain/cost.ts'
import { BREAKDOWN_ORDERS, type Breakdown } from '../../../src/domain/cuts.ts'
import { type Dimension, dimensionsOf } from '../../../src/domain/dimensions.ts'
import { addUp } from '../../../src/domain/merge-answers.ts'
import { type CutGroups, type GroupUsage, groupsOf, type UsageSums } from '../../../src/domain/token-query.ts'
import { type Usage, usageOf } from '../../../src/domain/usage.ts'
import { finished } from '../../../src/domain/work.ts'
import { DAYS } from '../../support/bucketed.ts'

const DAY_MS = 86_400_000
/** Nobody knows what m0 costs. */
const priceOf: PriceOf = (model, tier) =>
  model === 'm0'
    ? undefined
    : { input: BigInt(tier + 1) * 10n ** 11n, output: 2n, cacheRead: 1n, cacheCreation5m: 3n, cacheCreation1h: 7n }

/** One record, in the words of the dimensions. U+FFFD comes before 😀 in UTF-8, after it in UTF-16. */
const anyRecord = fc.record({
  model: fc.constantFrom('m0', 'm1', 'm2'),
  project: fc.constantFrom('', 'a', 'b', '😀', '\ufffd'),
  user: fc.constantFrom('ann', 'bob'),
  sidechain: fc.constantFrom('false', 'true'),
  day: fc.integer({ min: 0, max: 3 }),
  tier: fc.constantFrom(0, 2),
  input: fc.constantFrom(0n, 1n, 7n, 2n ** 60n),
})
type Record = typeof anyRecord extends fc.Arbitrary<infer T> ? T : never

const sumsOf = (records: readonly Record[]): UsageSums[] =>
  records.map(({ model, tier, input }) => ({
    model,
    tier,
    input,
    output: 3n,
    cacheRead: 0n,
    cacheCreation5m: 0n,
    cacheCreation1h: 0n,
    records: 1n,
  }))

const anyBreakdown: fc.Arbitrary<Breakdown> = fc.record({
  by: fc.shuffledSubarray<Dimension>(['model', 'project', 'user', 'sidechain'], { minLength: 1, maxLength: 3 }),
  buckets: fc.constantFrom(DAYS, undefined),
  first: fc.integer({ min: 1, max: 6 }),
  orderBy: fc.constantFrom(...BREAKDOWN_ORDERS),
})

/** What a source gives: one group of each combination and bucket, its sums by model and tier. */
function groupsFor(records: readonly Record[], { by, buckets }: Breakdown): GroupUsage[] {
  const dimensions = dimensionsOf(groupingOf({ by, buckets }))
  const valuesOf = (record: Record): string[] => dimensions.map((name) => record[name as keyof Record] as string)
  const startOf = ({ day }: Record): number => (buckets === undefined ? 0 : day * DAY_MS)
  const groups = Map.groupBy(records, (record) => JSON.stringify([valuesOf(record), startOf(record)]))
  return [...groups.values()].map((list) => ({
    values: valuesOf(list[0] as Record),
    start: startOf(list[0] as Record),
    usage: sumsOf(list),
  }))
}

const byBytes = (a: readonly string[], b: readonly string[]): number => {
  const differing = a.findIndex((value, i) => value !== b[i])
  return differing < 0 ? 0 : Buffer.compare(Buffer.from(a[differing] as string), Buffer.from(b[differing] as string))
}
type Compare = (a: Costing, b: Costing) => number | bigint
const COMPARE: globalThis.Record<Breakdown['orderBy'], Compare> = {
  TOKENS_DESC: (a, b) => b.tokens.total - a.tokens.total,
  COST_DESC: (a, b) => b.cost - a.cost,
  RECORDS_DESC: (a, b) => b.recordCount - a.recordCount,
  VALUE_ASC: () => 0,
}
/** What is shown of a cost of a hundred billions has lost its last digits. */
type Costing = Usage & { cost: bigint }
interface Named {
  values: string[]
  usage: Costing
}
const usageFor = (records: readonly Record[]): Costing => ({
  ...usageOf(addUp(sumsOf(records)), priceOf),
  cost: costRank(sumsOf(records), priceOf),
})
/** Costs of the rest are added up in another order here. */
const shown = ({ tokens, recordCount, costUsd }: Usage) => ({
  tokens,
  recordCount,
  costUsd: costUsd === null ? null : Number(costUsd.toPrecision(9)),
})

/** As a source cuts it that tells some combinations beside the first of all others. */
function cutOf(groups: readonly GroupUsage[], beside: ReadonlySet<string>, breakdown: Breakdown): CutGroups {
  const all = { ...breakdown, first: Number.POSITIVE_INFINITY }
  const { told } = finished(addToCut({ told: [], others: [] }, groups, all, priceOf))
  const isBeside = ({ values }: GroupUsage): boolean => beside.has(JSON.stringify(values))
  const { told: first, others } = finished(
    addToCut({ told: told.filter((group) => !isBeside(group)), others: [] }, [], breakdown, priceOf),
  )
  return { told: [...first, ...told.filter(isBeside)], others }
}

describe('a breakdown', () => {
  test('has the first combinations over the whole range, and in each bucket a row for the others: together the whole', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 30 }), anyBreakdown, (records, breakdown) => {
        const { by, first, orderBy, buckets } = breakdown
        const rows = finished(breakDown(groupsFor(records, breakdown), breakdown, priceOf))
        const nameOf = (record: Record): string => JSON.stringify(by.map((name) => record[name as keyof Record]))
        const inOrder = (a: Named, b: Named): number =>
          Number(COMPARE[orderBy](a.usage, b.usage)) || byBytes(a.values, b.values)
        const combinations = [...Map.groupBy(records, nameOf)]
          .map(([name, list]) => ({ values: JSON.parse(name) as string[], usage: usageFor(list) }))
          .sort(inOrder)
        const kept = new Set(combinations.slice(0, first).map(({ values }) => JSON.stringify(values)))
        const startOf = ({ day }: Record): number | null => (buckets === undefined ? null : day * DAY_MS)
        const expected = [...Map.groupBy(records, startOf)]
          .sort(([a], [b]) => Number(a) - Number(b))
          .flatMap(([start, inBucket]) => {
            const place = { start, label: start === null ? null : new Date(start).toISOString().slice(0, 10) }
            const told = [...Map.groupBy(inBucket, nameOf)]
              .filter(([name]) => kept.has(name))
              .map(([name, list]) => ({ values: JSON.parse(name) as string[], usage: usageFor(list) }))
              .sort(inOrder)
              .map(({ values, usage }) => ({ values, isOther: false, ...place, ...shown(usage) }))
            const rest = inBucket.filter((record) => !kept.has(nameOf(record)))
            const other = { values: [], isOther: true, ...place, ...shown(usageFor(rest)) }
            return rest.length === 0 ? told : [...told, other]
          })
        expect(rows.map((row) => ({ ...row, ...shown(row) }))).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  test('is the same, costs to the last bit, in whatever order a source gives groups and sums', () => {
    const shuffled = <T>(list: readonly T[], seeds: readonly number[]): T[] =>
      list
        .map((item, i) => ({ item, seed: seeds[i % seeds.length] ?? 0 }))
        .sort((a, b) => a.seed - b.seed)
        .map(({ item }) => item)
    fc.assert(
      fc.property(
        fc.array(anyRecord, { maxLength: 30 }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 30 }),
        anyBreakdown,
        (records, seeds, breakdown) => {
          const groups = groupsFor(records, breakdown)
          const others = shuffled(groups, seeds).map((group) => ({ ...group, usage: shuffled(group.usage, seeds) }))
          expect(finished(breakDown(others, breakdown, priceOf))).toEqual(
            finished(breakDown(groups, breakdown, priceOf)),
          )
        },
      ),
    )
  })

  test("is the same where a source has cut it, and where the rest of the records is another source's", () => {
    fc.assert(
      fc.property(
        fc.array(anyRecord, { maxLength: 30 }),
        fc.array(anyRecord, { maxLength: 10 }),
        anyBreakdown,
        (records, ofOthers, breakdown) => {
          const expected = finished(breakDown(groupsFor([...records, ...ofOthers], breakdown), breakdown, priceOf))
          const others = groupsFor(ofOthers, breakdown)
          const beside = finished(combinationsOf(others, breakdown.by)).map((values) => JSON.stringify(values))
          const cut = cutOf(groupsFor(records, breakdown), new Set(beside), breakdown)
          const merged = finished(addToCut(cut, others, breakdown, priceOf))
          expect(finished(breakDownCut(merged, breakdown, priceOf))).toEqual(expected)
          expect(finished(addToCut(merged, [], breakdown, priceOf)).told).toHaveLength(merged.told.length)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('asks for its dimensions but the model, by which all sums are, and its buckets', () => {
    expect(groupingOf({ by: ['model'], buckets: undefined })).toEqual([])
    expect(groupingOf({ by: ['user', 'model', 'project'], buckets: DAYS })).toEqual(['user', 'project', DAYS])
    const groups = { 'project user DAY UTC': [] }
    expect(groupsOf({ groups }, groupingOf({ by: ['user', 'project'], buckets: DAYS }))).toEqual([])
  })
})
