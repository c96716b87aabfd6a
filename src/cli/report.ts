import type { PriceOf } from '../domain/cost.ts'
import { DIMENSION_NAMES, GROUPED_DIMENSIONS, type Grouping } from '../domain/dimensions.ts'
import type { Buckets, Granularity } from '../domain/time-buckets.ts'
import { groupsOf, type TokenAnswer } from '../domain/token-query.ts'
import {
  sessionMetrics,
  type TokenBucket,
  timeSeries,
  type Usage,
  usageByModel,
  usageByValue,
  usageOf,
} from '../domain/usage.ts'
import type { Quality } from '../enhanced-analysis/table/quality.ts'

/** All that `analyze` found out. */
export interface Analyzed {
  answer: TokenAnswer
  quality: Quality
  unpricedTokens: bigint
  timeZone: string
  priceOf: PriceOf
}

/** The dimensions whose usage is listed; that by session has a table of its own. */
export const LISTED_DIMENSIONS = GROUPED_DIMENSIONS.filter((name) => name !== 'session')
const DAYS: Granularity = 'DAY'

/** What is summed by: each dimension alone, the days, and the buckets of a table. */
export function groupingsFor(timeZone: string, granularity: Granularity = DAYS): Grouping[] {
  const granularities = new Set([DAYS, granularity])
  return [
    ...LISTED_DIMENSIONS.map((name) => [name]),
    ...[...granularities].map((name) => [{ granularity: name, timeZone }]),
  ]
}

export const BREAKDOWNS = ['day', 'week', 'month', 'hour', ...DIMENSION_NAMES] as const
export type Breakdown = (typeof BREAKDOWNS)[number]
/** Of the breakdowns by time. */
export const GRANULARITY_OF: Partial<Record<Breakdown, Granularity>> = {
  hour: 'HOUR',
  day: 'DAY',
  week: 'WEEK',
  month: 'MONTH',
}

/** The JSON that scripts rely on: names of the contract, 64-bit counts as decimal strings. */
export function toJson(analyzed: Analyzed, withPlaces: boolean): Record<string, unknown> {
  const { answer, quality, priceOf } = analyzed
  return {
    ...usageJson(usageOf(answer.whole, priceOf)),
    sessionCount: answer.sessionCount ?? 0,
    firstAt: momentJson(answer.firstAt),
    lastAt: momentJson(answer.lastAt),
    timeZone: analyzed.timeZone,
    byDay: seriesOf(analyzed, DAYS).map((day) => ({
      date: day.label,
      ...usageJson(day),
    })),
    byModel: usageByModel(answer.whole, priceOf).map((usage) => ({ model: usage.model, ...usageJson(usage) })),
    ...Object.fromEntries(
      LISTED_DIMENSIONS.map((name) => [
        `by${titled(name)}`,
        usageByValue(groupsOf(answer, [name]), priceOf).map(({ value, ...usage }) => ({
          [name]: value,
          ...usageJson(usage),
        })),
      ]),
    ),
    bySession: sessionsOf(analyzed).map((session) => ({
      id: session.id,
      project: session.project,
      user: session.user,
      host: session.host,
      ...usageJson(session),
      startedAt: momentJson(session.startedAt),
      lastActivityAt: momentJson(session.lastActivityAt),
    })),
    quality: {
      files: quality.files,
      duplicateLines: String(quality.duplicateLines),
      conflictingCopies: String(quality.conflictingCopies),
      refused: quality.refused.map(({ reason, count, places }) => ({
        reason,
        count: String(count),
        ...(withPlaces ? { places } : {}),
      })),
      unpricedTokens: String(analyzed.unpricedTokens),
      archivedTokens: '0',
    },
  }
}

/** The buckets that hold records, the earliest first; their granularity was among those that were summed by. */
export function seriesOf({ answer, timeZone, priceOf }: Analyzed, granularity: Granularity): TokenBucket[] {
  const buckets: Buckets = { granularity, timeZone }
  return [...timeSeries(groupsOf(answer, [buckets]), buckets, priceOf)]
}

/** Sessions, the latest first. */
export function sessionsOf({ answer, priceOf }: Analyzed) {
  return (answer.sessions ?? [])
    .map((session) => sessionMetrics(session, priceOf))
    .sort((a, b) => b.lastActivityAt - a.lastActivityAt || (a.id < b.id ? -1 : 1))
}

function usageJson({ tokens, recordCount, costUsd }: Usage) {
  return {
    tokens: {
      input: String(tokens.input),
      output: String(tokens.output),
      cacheCreation: String(tokens.cacheCreation),
      cacheRead: String(tokens.cacheRead),
      total: String(tokens.total),
    },
    recordCount: String(recordCount),
    costUsd,
  }
}

export const titled = (word: string): string => `${word[0]?.toUpperCase()}${word.slice(1)}`

function momentJson(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString()
}
