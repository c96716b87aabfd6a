import type { PriceOf } from '../domain/cost.ts'
import type { TokenAnswer } from '../domain/token-query.ts'
import { sessionMetrics, timeSeries, type Usage, usageByKey, usageByModel, usageOf } from '../domain/usage.ts'
import type { Quality } from '../enhanced-analysis/quality.ts'

/** All that `analyze` found out. */
export interface Analyzed {
  answer: TokenAnswer
  quality: Quality
  unpricedTokens: bigint
  timeZone: string
  priceOf: PriceOf
}

export const BREAKDOWNS = ['day', 'week', 'month', 'hour', 'model', 'project', 'user', 'session'] as const
export type Breakdown = (typeof BREAKDOWNS)[number]

/** The JSON that scripts rely on: names of the contract, 64-bit counts as decimal strings. */
export function toJson(analyzed: Analyzed, withPlaces: boolean): Record<string, unknown> {
  const { answer, quality, priceOf } = analyzed
  return {
    ...usageJson(usageOf(answer.whole, priceOf)),
    sessionCount: answer.sessionCount ?? 0,
    firstAt: momentJson(answer.firstAt),
    lastAt: momentJson(answer.lastAt),
    timeZone: analyzed.timeZone,
    byDay: [...timeSeries(answer.bySlot ?? [], 'DAY', analyzed.timeZone, priceOf)].map((day) => ({
      date: day.label,
      ...usageJson(day),
    })),
    byModel: usageByModel(answer.whole, priceOf).map((usage) => ({ model: usage.model, ...usageJson(usage) })),
    byProject: usageByKey(answer.byProject ?? [], priceOf).map((usage) => ({
      project: usage.key,
      ...usageJson(usage),
    })),
    byUser: usageByKey(answer.byUser ?? [], priceOf).map((usage) => ({ user: usage.key, ...usageJson(usage) })),
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

/** Sessions, the latest first. */
export function sessionsOf({ answer, priceOf }: Analyzed) {
  return (answer.bySession ?? [])
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

function momentJson(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString()
}
