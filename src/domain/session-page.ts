import { invalidArgument } from './errors.ts'
import { LIMITS } from './limits.ts'
import { compareBigint, compareText, type SessionMetrics } from './usage.ts'

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

const MAX_PAGE = LIMITS.sessionsPage.value

export interface SessionPage {
  edges: { cursor: string; node: SessionMetrics }[]
  hasNextPage: boolean
  endCursor: string | null
  totalCount: number
}

/** What a session is ordered by. A session without a known price comes before the cheapest. */
type Rank = bigint | number

const RANK_OF: Record<string, (session: SessionMetrics) => Rank> = {
  LAST_ACTIVITY: (session) => session.lastActivityAt,
  STARTED: (session) => session.startedAt,
  TOKENS: (session) => session.tokens.total,
  COST: (session) => session.costUsd ?? -1,
}

/** Sessions in an order, which is total: ties are ordered by id. */
export function sortSessions(sessions: readonly SessionMetrics[], order: SessionOrder): SessionMetrics[] {
  const { rankOf, compare } = orderOf(order)
  const sign = compare(1, '', 0, '')
  return sessions
    .map((session) => ({ session, rank: rankOf(session), rough: Number(rankOf(session)) }))
    .sort(
      // nearly all are told apart as floating-point numbers, which is much faster
      (a, b) => sign * (a.rough - b.rough) || compare(a.rank, a.session.id, b.rank, b.session.id),
    )
    .map(({ session }) => session)
}

/**
 * One page of sessions that were sorted in this order. A cursor says where in the order a page ended, not how many
 * came before: sessions that come or go elsewhere shift no page.
 */
export function pageSessions(
  sorted: readonly SessionMetrics[],
  first: number,
  after: string | undefined,
  order: SessionOrder,
): SessionPage {
  if (!(first >= 0 && first <= MAX_PAGE)) throw invalidArgument('first', `must be from 0 to ${MAX_PAGE}, not ${first}`)
  const { rankOf, compare } = orderOf(order)
  let start = 0
  if (after !== undefined) {
    const { rank, id } = readCursor(after, order)
    start = sorted.findIndex((session) => compare(rankOf(session), session.id, rank, id) > 0)
    if (start < 0) start = sorted.length
  }
  const edges = sorted
    .slice(start, start + first)
    .map((node) => ({ cursor: writeCursor(order, rankOf(node), node.id), node }))
  return {
    edges,
    hasNextPage: start + edges.length < sorted.length,
    endCursor: edges.at(-1)?.cursor ?? null,
    totalCount: sorted.length,
  }
}

function orderOf(order: SessionOrder) {
  const [, by, direction] = /^(.+)_(ASC|DESC)$/.exec(order) as unknown as [string, string, string]
  const rankOf = RANK_OF[by] as (session: SessionMetrics) => Rank
  const sign = direction === 'ASC' ? 1 : -1
  const compare = (rankA: Rank, idA: string, rankB: Rank, idB: string): number =>
    sign * (compareRank(rankA, rankB) || compareText(idA, idB))
  return { rankOf, compare }
}

function compareRank(a: Rank, b: Rank): number {
  return typeof a === 'bigint' && typeof b === 'bigint' ? compareBigint(a, b) : Number(a) - Number(b)
}

function writeCursor(order: SessionOrder, rank: Rank, id: string): string {
  return Buffer.from(JSON.stringify([order, typeof rank === 'bigint' ? `${rank}` : rank, id])).toString('base64url')
}

/** Refuses whatever `writeCursor` would not have written, to the letter. */
function readCursor(cursor: string, order: SessionOrder): { rank: Rank; id: string } {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    parts = undefined
  }
  if (!Array.isArray(parts) || parts.length !== 3) throw invalidArgument('after', 'is not a cursor')
  const [cursorOrder, written, id] = parts as unknown[]
  if (cursorOrder !== order) throw invalidArgument('after', `is a cursor of another order than ${order}`)
  const rank = order.startsWith('TOKENS') ? tokensIn(written) : written
  if (typeof id !== 'string' || (typeof rank !== 'number' && typeof rank !== 'bigint'))
    throw invalidArgument('after', 'is not a cursor')
  if (writeCursor(order, rank, id) !== cursor) throw invalidArgument('after', 'is not a cursor')
  return { rank, id }
}

const tokensIn = (text: unknown): bigint | undefined =>
  typeof text === 'string' && /^\d{1,60}$/.test(text) ? BigInt(text) : undefined
