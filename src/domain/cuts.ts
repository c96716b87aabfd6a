import type { Dimension } from './dimensions.ts'
import type { Buckets } from './time-buckets.ts'

// What is asked for of which only the first are told. Whoever counts may cut it, and need not tell all of it.

export const SESSION_ORDERS = [
  'LAST_ACTIVITY_DESC',
  'LAST_ACTIVITY_ASC',
  'STARTED_DESC',
  'STARTED_ASC',
  'TOKENS_DESC',
  'TOKENS_ASC',
  'COST_DESC',
  'COST_ASC',
] as const
export type SessionOrder = (typeof SESSION_ORDERS)[number]

/** A page of sessions. */
export interface SessionCut {
  order: SessionOrder
  first: number
  /** Where in the order it begins: behind this place; absent: at the first session. */
  after?: SessionPlace | undefined
}

/** The place of a session in an order, whether it is there or not. */
export interface SessionPlace {
  /** What the session is ordered by, as a whole number (`session-page.ts`). */
  rank: bigint
  id: string
}

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

/** Names a page: the same as in `TokenAnswer.sessionPages`. */
export const sessionCutKey = ({ order, first, after }: SessionCut): string =>
  JSON.stringify([order, first, ...(after === undefined ? [] : [String(after.rank), after.id])])

/** Names a breakdown: the same as in `TokenAnswer.breakdowns`. */
export const breakdownKey = ({ by, buckets, first, orderBy }: Breakdown): string =>
  JSON.stringify([by, buckets?.granularity, buckets?.timeZone, first, orderBy])
