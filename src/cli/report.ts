import { costOf } from '../domain/cost.ts'
import { GROUPED_DIMENSIONS, type Grouping } from '../domain/dimensions.ts'
import { type Buckets, bucketLabel, bucketStarts, type Granularity } from '../domain/time-buckets.ts'
import { groupsOf, type TokenAnswer } from '../domain/token-query.ts'
import { sessionMetrics, timeSeries, type Usage, usageByModel, usageByValue, usageOf } from '../domain/usage.ts'
import type { Quality } from '../enhanced-analysis/table/quality.ts'
import type { Arranged, Row } from './rows.ts'

/** All that `analyze` found out. */
export interface Analyzed extends Arranged {
  /** Of what was selected. */
  answer: TokenAnswer
  rows: Row[]
  /** Of the whole corpus, whatever was selected. */
  quality: Quality
  everything: TokenAnswer
  /** By the name of a project: the folder that its agent worked in, where a transcript tells. */
  projectPaths: ReadonlyMap<string, string>
  /** The line of a refused place, counted from 1; `undefined` where its file cannot be read any more. */
  lineOf: (path: string, offset: number) => number | undefined
}

/** The dimensions whose usage is listed; that by session has a list of its own. */
const LISTED_DIMENSIONS = GROUPED_DIMENSIONS.filter((name) => name !== 'session')
const DAYS: Granularity = 'DAY'

/** What the lists of `--json` are grouped by. */
export const listGroupings = (timeZone: string): Grouping[] => [
  ...LISTED_DIMENSIONS.map((name) => [name]),
  [{ granularity: DAYS, timeZone }],
]

/**
 * The JSON that scripts rely on: names of the contract, 64-bit counts as decimal strings, times as RFC 3339. `rows` are
 * by the names of `by`, each of which is a member of a row; `lists` adds those by day and by each dimension.
 */
export function toJson(analyzed: Analyzed, { withPlaces, lists }: { withPlaces: boolean; lists: boolean }) {
  const { answer, priceOf, by } = analyzed
  return {
    ...usageJson(usageOf(answer.whole, priceOf)),
    sessionCount: answer.sessionCount ?? 0,
    firstAt: momentJson(answer.firstAt),
    lastAt: momentJson(answer.lastAt),
    timeZone: analyzed.timeZone,
    by: by.names,
    rows: analyzed.rows.map((row) => rowJson(analyzed, row)),
    ...(lists ? listsJson(analyzed) : {}),
    quality: qualityJson(analyzed, withPlaces),
  }
}

function rowJson({ by, projectPaths }: Analyzed, { values, usage, session }: Row) {
  const named = Object.fromEntries(by.names.map((name, i) => [name, values[i] as string]))
  const project = session?.project ?? named.project
  return {
    ...named,
    ...(session === undefined ? {} : { project, user: session.user, host: session.host }),
    ...(project === undefined ? {} : { projectPath: projectPaths.get(project) ?? null }),
    ...usageJson(usage),
    ...(session === undefined
      ? {}
      : { startedAt: momentJson(session.startedAt), lastActivityAt: momentJson(session.lastActivityAt) }),
  }
}

function listsJson({ answer, timeZone, priceOf }: Analyzed): Record<string, unknown> {
  const days: Buckets = { granularity: DAYS, timeZone }
  return {
    byDay: [...timeSeries(groupsOf(answer, [days]), days, priceOf)].map((day) => ({
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
    bySession: (answer.sessions ?? [])
      .map((session) => sessionMetrics(session, priceOf))
      .sort((a, b) => b.lastActivityAt - a.lastActivityAt || (a.id < b.id ? -1 : 1))
      .map((session) => ({
        id: session.id,
        project: session.project,
        user: session.user,
        host: session.host,
        ...usageJson(session),
        startedAt: momentJson(session.startedAt),
        lastActivityAt: momentJson(session.lastActivityAt),
      })),
  }
}

function qualityJson({ quality, everything, priceOf, lineOf }: Analyzed, withPlaces: boolean) {
  return {
    files: quality.files,
    duplicateLines: String(quality.duplicateLines),
    conflictingCopies: String(quality.conflictingCopies),
    refused: quality.refused.map(({ reason, count, places }) => ({
      reason,
      count: String(count),
      ...(withPlaces
        ? { places: places.map(({ path, offset }) => ({ path, line: lineOf(path, offset) ?? null, offset })) }
        : {}),
    })),
    unpricedTokens: String(costOf(everything.whole, priceOf).unpricedTokens),
    archivedTokens: '0',
  }
}

export function usageJson({ tokens, recordCount, costUsd }: Usage) {
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

export function momentJson(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString()
}

/** The day of a time zone, as `2026-04-02`. */
export const dayOf = (time: number, timeZone: string): string => {
  const day: Buckets = { granularity: DAYS, timeZone }
  return bucketLabel(bucketStarts(day)(time), day)
}
