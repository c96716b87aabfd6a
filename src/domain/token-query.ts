import type { Breakdown, SessionCut } from './cuts.ts'
import { type FilterList, type Grouping, groupingKey } from './dimensions.ts'
import type { SumField } from './token-counts.ts'

/** Which records a question is about; an absent member selects all. Half-open: `from <= time < to`, in milliseconds. */
export interface TokenFilter extends Partial<Record<FilterList, readonly string[]>> {
  from?: number
  to?: number
}

export interface TokenQuery {
  filter: TokenFilter
  /** What it is broken down by. The whole, by model, is always part of the answer. */
  groupings: readonly Grouping[]
  /** Whether the sessions are asked for. */
  sessions?: boolean
  /** Whether the number of sessions is asked for. */
  countSessions?: boolean
  /** Pages of sessions that are asked for. Where all sessions are in the answer, they follow from these. */
  sessionPages?: readonly SessionCut[]
  /** Breakdowns of which the first combinations are asked for. Where its groups are in the answer, one follows from these. */
  breakdowns?: readonly Breakdown[]
}

/**
 * Sums of some records of one model and one context tier: what token counts and cost are made of.
 * A source only sums; zones, cost and order are computed once, in `domain`, for every source.
 */
export interface UsageSums extends Record<SumField, bigint> {
  model: string
  /** Number of `CONTEXT_TIERS` that the prompt of each of these records exceeds. */
  tier: number
}

/** Sums of the records that have these values in common. */
export interface GroupUsage {
  /** Of each dimension of the grouping, in the order of the dimensions. */
  values: string[]
  /** Start of the bucket, in milliseconds since 1970; 0 where the grouping has no buckets. */
  start: number
  usage: UsageSums[]
}

export interface SessionUsage {
  id: string
  /** Project, user and host of its latest record that the filter selects. */
  project: string
  user: string
  host: string
  startedAt: number
  lastActivityAt: number
  /** Path and offset of its latest record: of two at the same time, the later in this order. */
  latestPath: string
  latestOffset: number
  usage: UsageSums[]
}

/** A breakdown of which the first combinations are told. */
export interface CutGroups {
  /** With their values in the order of the breakdown's dimensions, the model among them. */
  told: GroupUsage[]
  /** What all others together have, in each bucket; without values. */
  others: GroupUsage[]
}

/** A source's answer to one query. */
export interface TokenAnswer {
  whole: UsageSums[]
  /** May be absent where it was not asked for: over many records, counting them takes as long as everything else. */
  sessionCount?: number
  firstAt: number | undefined
  lastAt: number | undefined
  /** The groups of each grouping that was asked for, by `groupingKey`. */
  groups: Record<string, GroupUsage[]>
  /** Absent where they were not asked for. */
  sessions?: SessionUsage[]
  /**
   * What each page begins with, in its order, by `sessionCutKey`: one session more than it has, where there are more. Absent
   * where all sessions are there; `sessionCount` is there, too.
   */
  sessionPages?: Record<string, SessionUsage[]>
  /** By `breakdownKey`. Absent where all groups are there. */
  breakdowns?: Record<string, CutGroups>
  /** Names the prices by which something of it was cut off; absent where nothing was, or not by cost. */
  pricedBy?: string
}

/** The groups of a grouping that was asked for. */
export function groupsOf({ groups }: Pick<TokenAnswer, 'groups'>, grouping: Grouping): GroupUsage[] {
  const found = groups[groupingKey(grouping)]
  if (found === undefined) throw new Error(`the answer has no breakdown by ${groupingKey(grouping)}`)
  return found
}

/** Every bucket of every zone begins at a multiple of 15 minutes UTC (since 1972), so a slot of time is in one bucket. */
export const SLOT_MS = 15 * 60_000

/**
 * Prompt sizes, in tokens, above which some model costs more (the `tiers` of the price list). The prompt
 * of a record is its input, cache creation and cache read. A test compares them with the price list.
 */
export const CONTEXT_TIERS = [128_000, 199_999, 200_000, 271_999, 272_000, 512_000] as const

/** The tier of a record whose prompt has this many tokens. */
export function contextTierOf(promptTokens: number): number {
  let tier = 0
  while (tier < CONTEXT_TIERS.length && promptTokens > (CONTEXT_TIERS[tier] as number)) tier++
  return tier
}
