import { costRank, type PriceOf } from './cost.ts'
import type { SessionCut, SessionOrder, SessionPlace } from './cuts.ts'
import { invalidArgument } from './errors.ts'
import { isSessionId, LIMITS } from './limits.ts'
import { totalOfSums } from './token-counts.ts'
import type { SessionUsage } from './token-query.ts'
import { compareBigint, compareText } from './usage.ts'

const MAX_PAGE = LIMITS.sessionsPage.value

export interface SessionPage {
  edges: { cursor: string; node: SessionUsage }[]
  hasNextPage: boolean
  endCursor: string | null
}

/** A session with what it is ordered by: a whole number, so that every source finds the same. */
export interface RankedSession {
  session: SessionUsage
  rank: bigint
}

/** What sessions can be ordered by. One without a known price comes before the cheapest. */
const SESSION_RANKS = ['LAST_ACTIVITY', 'STARTED', 'TOKENS', 'COST'] as const
export type SessionRank = (typeof SESSION_RANKS)[number]

const RANK_OF: Record<SessionRank, (session: SessionUsage, priceOf: PriceOf) => bigint> = {
  LAST_ACTIVITY: ({ lastActivityAt }) => BigInt(lastActivityAt),
  STARTED: ({ startedAt }) => BigInt(startedAt),
  TOKENS: ({ usage }) => usage.reduce((sum, sums) => sum + totalOfSums(sums), 0n),
  COST: ({ usage }, priceOf) => costRank(usage, priceOf),
}

/** What an order goes by, and whether the largest is the first. */
export function sessionOrderOf(order: SessionOrder): { by: SessionRank; descending: boolean } {
  const [, by, direction] = /^(.+)_(ASC|DESC)$/.exec(order) as unknown as [string, SessionRank, string]
  return { by, descending: direction === 'DESC' }
}

/** In the order of the sessions; each is ranked when it is taken. */
export function* rankSessions(
  sessions: readonly SessionUsage[],
  order: SessionOrder,
  priceOf: PriceOf,
): Generator<RankedSession, void, undefined> {
  const rankOf = RANK_OF[sessionOrderOf(order).by]
  for (const session of sessions) yield { session, rank: rankOf(session, priceOf) }
}

/** Sessions in an order, which is total: ties are ordered by id. */
export function sortSessions(ranked: readonly RankedSession[], order: SessionOrder): RankedSession[] {
  const compare = comparing(order)
  const sign = sessionOrderOf(order).descending ? -1 : 1
  return ranked
    .map((one) => ({ one, rough: Number(one.rank) }))
    .sort(
      // nearly all are told apart as floating-point numbers, which is much faster
      (a, b) => sign * (a.rough - b.rough) || compare(placeOf(a.one), placeOf(b.one)),
    )
    .map(({ one }) => one)
}

/** What is asked for, as it comes in. */
export function readSessionCut(first: number, after: string | undefined, order: SessionOrder): SessionCut {
  if (!(first >= 0 && first <= MAX_PAGE)) throw invalidArgument('first', `must be from 0 to ${MAX_PAGE}, not ${first}`)
  return { order, first, ...(after === undefined ? {} : { after: readCursor(after, order) }) }
}

/** The sessions of a sorted list that a page begins with: one more than it has tells that there is another page. */
export function cutSessions(sorted: readonly RankedSession[], { order, first, after }: SessionCut): RankedSession[] {
  const compare = comparing(order)
  const start = after === undefined ? 0 : sorted.findIndex((one) => compare(placeOf(one), after) > 0)
  return start < 0 ? [] : sorted.slice(start, start + first + 1)
}

/**
 * The page that begins with these sessions (`cutSessions`). A cursor says where in the order a page ended, not how many
 * came before: sessions that come or go elsewhere shift no page.
 */
export function pageSessions(cut: readonly RankedSession[], { order, first }: SessionCut): SessionPage {
  const edges = cut.slice(0, first).map((one) => ({ cursor: writeCursor(order, placeOf(one)), node: one.session }))
  return { edges, hasNextPage: cut.length > first, endCursor: edges.at(-1)?.cursor ?? null }
}

const placeOf = ({ session, rank }: RankedSession): SessionPlace => ({ rank, id: session.id })

function comparing(order: SessionOrder): (a: SessionPlace, b: SessionPlace) => number {
  const sign = sessionOrderOf(order).descending ? -1 : 1
  return (a, b) => sign * (compareBigint(a.rank, b.rank) || compareText(a.id, b.id))
}

function writeCursor(order: SessionOrder, { rank, id }: SessionPlace): string {
  return Buffer.from(JSON.stringify([order, String(rank), id])).toString('base64url')
}

/** Refuses whatever `writeCursor` would not have written, to the letter. */
function readCursor(cursor: string, order: SessionOrder): SessionPlace {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    parts = undefined
  }
  if (!Array.isArray(parts) || parts.length !== 3) throw invalidArgument('after', 'is not a cursor')
  const [cursorOrder, written, id] = parts as unknown[]
  if (cursorOrder !== order) throw invalidArgument('after', `is a cursor of another order than ${order}`)
  if (typeof id !== 'string' || !isSessionId(id) || typeof written !== 'string' || !RANK.test(written))
    throw invalidArgument('after', 'is not a cursor')
  const place = { rank: BigInt(written), id }
  if (writeCursor(order, place) !== cursor) throw invalidArgument('after', 'is not a cursor')
  return place
}

/** Sums of tokens have no more digits. */
const RANK = /^-?\d{1,60}$/
