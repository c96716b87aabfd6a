import { breakDown, groupingOf } from '../domain/breakdown.ts'
import { compareUtf8 } from '../domain/compare-utf8.ts'
import type { PriceOf } from '../domain/cost.ts'
import type { Grouping } from '../domain/dimensions.ts'
import type { Buckets } from '../domain/time-buckets.ts'
import { groupsOf, type TokenAnswer } from '../domain/token-query.ts'
import { compareBigint, type SessionMetrics, sessionMetrics, type Usage } from '../domain/usage.ts'
import { finished } from '../domain/work.ts'
import { type By, isPeriod, type Order, type OrderKey } from './analysis-options.ts'

/** A row of what `analyze` prints. */
export interface Row {
  /** Of each name of `--by`, in its order. */
  values: readonly string[]
  usage: Usage
  /** Where rows are by session alone. */
  session?: SessionMetrics
}

/** What an answer must be grouped by for the rows. */
export function groupingsOf(by: By, timeZone: string): Grouping[] {
  const grouping = groupingOf({ by: by.dimensions, buckets: bucketsOf(by, timeZone) })
  return grouping.length === 0 || isBySession(by) ? [] : [grouping]
}

/** Sessions alone are told with their project and times. */
export const isBySession = ({ names }: By): boolean => names.length === 1 && names[0] === 'session'

const bucketsOf = ({ granularity }: By, timeZone: string): Buckets | undefined =>
  granularity === undefined ? undefined : { granularity, timeZone }

export interface Arranged {
  by: By
  order: Order
  timeZone: string
  priceOf: PriceOf
}

/** The rows of an answer in their order: what has its first columns in common stands together. */
export function rowsOf(answer: TokenAnswer, { by, order, timeZone, priceOf }: Arranged): Row[] {
  if (isBySession(by)) return sessionRows(answer, order, priceOf)
  const buckets = bucketsOf(by, timeZone)
  const grouping = groupingOf({ by: by.dimensions, buckets })
  const groups =
    grouping.length > 0
      ? groupsOf(answer, grouping)
      : answer.whole.length > 0
        ? [{ values: [], start: 0, usage: answer.whole }]
        : []
  const breakdown = { by: by.dimensions, buckets, first: Number.POSITIVE_INFINITY, orderBy: 'VALUE_ASC' } as const
  const rows = finished(breakDown(groups, breakdown, priceOf)).map(({ values, label, start, ...usage }) => ({
    values: by.names.map((name) =>
      isPeriod(name) ? (label as string) : (values[by.dimensions.indexOf(name)] as string),
    ),
    start: start ?? 0,
    usage,
  }))
  return nested(rows, 0, by, order).map(({ values, usage }) => ({ values, usage }))
}

interface Started extends Row {
  /** Of its bucket; labels of an hour that comes twice are in no order. */
  start: number
}

/** Sorts by one column after the other, each group by what is in it. */
function nested(rows: readonly Started[], column: number, by: By, order: Order): Started[] {
  const name = by.names[column]
  if (name === undefined) return [...rows]
  const groups = [...Map.groupBy(rows, ({ values }) => values[column] as string).values()].map((inGroup) => ({
    rows: inGroup,
    sum: inGroup.map(({ usage }) => usage).reduce(add),
  }))
  const key = order.key ?? (isPeriod(name) ? undefined : 'tokens')
  const falls = (column === 0 && order.direction !== undefined ? order.direction : usualDirection(key)) === 'desc'
  const textOf = ({ rows: [row] }: { rows: Started[] }): string => row?.values[column] as string
  const byName = (a: { rows: Started[] }, b: { rows: Started[] }): number =>
    isPeriod(name) ? (a.rows[0]?.start as number) - (b.rows[0]?.start as number) : compareUtf8(textOf(a), textOf(b))
  groups.sort((a, b) => {
    const compared = key === undefined || key === 'name' ? byName(a, b) : COMPARE[key](a.sum, b.sum)
    return (falls ? -compared : compared) || byName(a, b)
  })
  return groups.flatMap((group) => nested(group.rows, column + 1, by, order))
}

const usualDirection = (key: OrderKey | undefined): 'asc' | 'desc' =>
  key === undefined || key === 'name' ? 'asc' : 'desc'

/** What cannot be priced is below everything that can: it is not free, and not dear. */
const COMPARE: Record<Exclude<OrderKey, 'name'>, (a: Usage, b: Usage) => number> = {
  tokens: (a, b) => compareBigint(a.tokens.total, b.tokens.total),
  cost: (a, b) => (a.costUsd ?? -1) - (b.costUsd ?? -1),
  records: (a, b) => compareBigint(a.recordCount, b.recordCount),
}

/** Of figures that are only compared. */
function add(a: Usage, b: Usage): Usage {
  return {
    tokens: { ...a.tokens, total: a.tokens.total + b.tokens.total },
    recordCount: a.recordCount + b.recordCount,
    costUsd: a.costUsd === null && b.costUsd === null ? null : (a.costUsd ?? 0) + (b.costUsd ?? 0),
  }
}

/** Sessions, by default the latest first. */
function sessionRows({ sessions = [] }: TokenAnswer, { key, direction }: Order, priceOf: PriceOf): Row[] {
  const metrics = sessions.map((session) => sessionMetrics(session, priceOf))
  const falls = (direction ?? (key === 'name' ? 'asc' : 'desc')) === 'desc'
  const compare = (a: SessionMetrics, b: SessionMetrics): number =>
    key === undefined
      ? a.lastActivityAt - b.lastActivityAt
      : key === 'name'
        ? compareUtf8(a.id, b.id)
        : COMPARE[key](a, b)
  return metrics
    .sort((a, b) => (falls ? -compare(a, b) : compare(a, b)) || compareUtf8(a.id, b.id))
    .map((session) => ({ values: [session.id], usage: session, session }))
}
