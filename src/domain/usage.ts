import { costOf, type PriceOf } from './cost.ts'
import { type Buckets, bucketLabel, bucketsBetween } from './time-buckets.ts'
import type { EveryCount } from './token-counts.ts'
import type { GroupUsage, SessionUsage, UsageSums } from './token-query.ts'

/** Sums can pass 2^53, so they are bigint. `total` = input + output + cacheCreation + cacheRead (rule 3). */
export interface TokenCounts {
  input: bigint
  output: bigint
  cacheCreation: bigint
  cacheRead: bigint
  total: bigint
}

/** What some records used. */
export interface Usage {
  tokens: TokenCounts
  recordCount: bigint
  /** `null` where nothing of it can be priced. */
  costUsd: number | null
}

export type ModelUsage = Usage & { model: string }
export type GroupMetrics = Usage & Pick<GroupUsage, 'values' | 'start'>
export type TokenBucket = Usage & {
  /** Milliseconds since 1970. */
  start: number
  label: string
}
export type SessionMetrics = Usage &
  Omit<SessionUsage, 'usage' | 'latestPath' | 'latestOffset'> & { byModel: ModelUsage[] }

type Spelled = EveryCount<'input' | 'output' | 'cacheRead' | 'cacheCreation5m' | 'cacheCreation1h', bigint>

export function usageOf(sums: readonly UsageSums[], priceOf: PriceOf): Usage {
  const tokens = { input: 0n, output: 0n, cacheCreation: 0n, cacheRead: 0n, total: 0n }
  let recordCount = 0n
  for (const s of sums) {
    const { input, output, cacheRead, cacheCreation5m, cacheCreation1h }: Spelled = s
    tokens.input += input
    tokens.output += output
    tokens.cacheCreation += cacheCreation5m + cacheCreation1h
    tokens.cacheRead += cacheRead
    recordCount += s.records
  }
  tokens.total = tokens.input + tokens.output + tokens.cacheCreation + tokens.cacheRead
  return { tokens, recordCount, costUsd: costOf(sums, priceOf).usd }
}

/** Sums of each model. */
export function groupByModel(sums: readonly UsageSums[]): GroupUsage[] {
  const byModel = new Map<string, UsageSums[]>()
  for (const s of sums) {
    const list = byModel.get(s.model)
    if (list === undefined) byModel.set(s.model, [s])
    else list.push(s)
  }
  return [...byModel].map(([model, usage]) => ({ values: [model], start: 0, usage }))
}

/** By model, the largest first. */
export function usageByModel(sums: readonly UsageSums[], priceOf: PriceOf): ModelUsage[] {
  return usageByValue(groupByModel(sums), priceOf).map(({ value, ...usage }) => ({ model: value, ...usage }))
}

/** Of groups of one dimension, the largest first. */
export function usageByValue(groups: readonly GroupUsage[], priceOf: PriceOf): (Usage & { value: string })[] {
  return largestFirst([...usages(groups, priceOf)]).map(({ values: [value = ''], start: _, ...usage }) => ({
    value,
    ...usage,
  }))
}

/** In the order of the groups; each is summed when it is taken. */
export function* usages(groups: readonly GroupUsage[], priceOf: PriceOf): Generator<GroupMetrics, void, undefined> {
  for (const { usage, ...group } of groups) yield { ...group, ...usageOf(usage, priceOf) }
}

/**
 * Of groups of buckets alone, the earliest first; each is summed when it is taken. With `filled`, buckets without records
 * are there, too: all that begin in that range, and those between two that have records.
 */
export function* timeSeries(
  groups: readonly GroupUsage[],
  buckets: Buckets,
  priceOf: PriceOf,
  filled?: FilledRange,
): Generator<TokenBucket, void, undefined> {
  const bucketOf = (start: number, usage: readonly UsageSums[]): TokenBucket => ({
    start,
    label: bucketLabel(start, buckets),
    ...usageOf(usage, priceOf),
  })
  const sorted = groups.toSorted((a, b) => a.start - b.start)
  if (filled === undefined) for (const { start, usage } of sorted) yield bucketOf(start, usage)
  else {
    const usages = new Map(sorted.map(({ start, usage }) => [start, usage]))
    const from = filled.from ?? sorted.at(0)?.start
    const { to, gapsAfter } = filled
    const last = to === undefined ? (gapsAfter ?? sorted.at(-1)?.start) : to - 1
    if (from === undefined || last === undefined) return
    for (const start of bucketsBetween(from, last, buckets)) yield bucketOf(start, usages.get(start) ?? [])
    if (to === undefined) for (const { start, usage } of sorted) if (start > last) yield bucketOf(start, usage)
  }
}

/** Half-open, in milliseconds since 1970; what is absent is where the first, or the last, record is. */
export interface FilledRange {
  from: number | undefined
  to: number | undefined
  /** Without `to`: after the bucket that starts then there are those with records alone. */
  gapsAfter?: number
}

export function sessionMetrics(session: SessionUsage, priceOf: PriceOf): SessionMetrics {
  const { usage, latestPath: _path, latestOffset: _offset, ...rest } = session
  return { ...rest, ...usageOf(usage, priceOf), byModel: usageByModel(usage, priceOf) }
}

export function largestFirst(list: GroupMetrics[]): GroupMetrics[] {
  return list.sort((a, b) => compareBigint(b.tokens.total, a.tokens.total) || compareValues(a.values, b.values))
}

function compareValues(a: readonly string[], b: readonly string[]): number {
  for (const [i, value] of a.entries()) {
    const byValue = compareText(value, b[i] ?? '')
    if (byValue !== 0) return byValue
  }
  return 0
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function compareBigint(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
