import type { PriceOf } from '../../src/domain/cost.ts'
import { BREAKDOWN_ORDERS, type Breakdown, SESSION_ORDERS, type SessionCut } from '../../src/domain/cuts.ts'
import { pageSessions, readSessionCut } from '../../src/domain/session-page.ts'
import type { TokenAnswer, TokenQuery } from '../../src/domain/token-query.ts'
import { sessionMetrics } from '../../src/domain/usage.ts'
import { finished } from '../../src/domain/work.ts'
import { allSessions, breakdownRows, sessionsOfPage } from '../../src/reading/told.ts'
import { DAYS_OF_BERLIN, HOURS } from './bucketed.ts'

/** A first page in each order, and breakdowns in each order, by sessions among others. */
export const CUTS: Pick<TokenQuery, 'sessionPages' | 'breakdowns'> = {
  sessionPages: SESSION_ORDERS.map((order, i) => ({ order, first: i % 3 })),
  breakdowns: BREAKDOWN_ORDERS.flatMap((orderBy, i): Breakdown[] => [
    { by: ['session'], buckets: undefined, first: 1 + (i % 3), orderBy },
    { by: ['model', 'session', 'project'], buckets: HOURS, first: 2, orderBy },
    { by: ['sidechain', 'user'], buckets: DAYS_OF_BERLIN, first: 1, orderBy },
    { by: ['model'], buckets: undefined, first: 1, orderBy },
  ]),
}

/** Some of them, others for each number up to 15. */
export function someCuts(n: number): typeof CUTS {
  const { sessionPages = [], breakdowns = [] } = CUTS
  const isSome = (i: number, count: number): boolean => i === n % count || i === (n + 5) % count
  return {
    sessionPages: sessionPages.filter((_, i) => isSome(i, sessionPages.length)),
    breakdowns: breakdowns.filter((_, i) => isSome(i, breakdowns.length)),
  }
}

/** What readers are told of the pages and breakdowns of a query, whether its source has cut them or not. */
export function toldCuts(answer: TokenAnswer, query: TokenQuery, priceOf: PriceOf): unknown {
  const pages = query.sessionPages?.map((cut) => pageOf(answer, cut, priceOf))
  const rows = query.breakdowns?.map((breakdown) => finished(breakdownRows(answer, breakdown, priceOf)))
  return { pages, rows }
}

export function pageOf(answer: TokenAnswer, cut: SessionCut, priceOf: PriceOf) {
  const all = finished(allSessions(answer, cut.order, priceOf))
  const { edges, ...page } = pageSessions(sessionsOfPage(answer, cut, all, priceOf), cut)
  const nodes = edges.map(({ cursor, node }) => ({ cursor, node: sessionMetrics(node, priceOf) }))
  return { ...page, edges: nodes, totalCount: all?.length ?? answer.sessionCount }
}

/** The page behind another one. */
export const pageBehind = (cut: SessionCut, { endCursor }: { endCursor: string | null }): SessionCut =>
  endCursor === null ? cut : readSessionCut(cut.first, endCursor, cut.order)
