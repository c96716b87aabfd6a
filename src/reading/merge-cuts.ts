import { addToCut, combinationsOf, groupingOf } from '../domain/breakdown.ts'
import type { PriceOf } from '../domain/cost.ts'
import { type Breakdown, breakdownKey, type SessionCut, sessionCutKey } from '../domain/cuts.ts'
import { cutSessions, type RankedSession, rankSessions, sortSessions } from '../domain/session-page.ts'
import {
  type CutGroups,
  type GroupUsage,
  groupsOf,
  type SessionUsage,
  type TokenAnswer,
  type TokenQuery,
} from '../domain/token-query.ts'
import type { Work } from '../domain/work.ts'
import type { PublishedQuery } from '../ports/record-store.ts'

// Pages and breakdowns of which both sides have something. The files tell all that they have; ClickHouse tells its part of
// that, and cuts off what is its alone. So whatever comes before the end of a page is known as a whole.

/** What is asked of ClickHouse beside an answer of the files, which tells all of what the query asks the first of. */
export function* besideIn(query: TokenQuery, ofFiles: TokenAnswer): Work<PublishedQuery> {
  const combinations: Record<string, readonly (readonly string[])[]> = {}
  for (const one of query.breakdowns ?? [])
    combinations[breakdownKey(one)] = yield* combinationsOf(groupsIn(ofFiles, one), one.by)
  return { ...query, beside: { sessions: ofFiles.sessions?.map(({ id }) => id) ?? [], combinations } }
}

/** Cuts what both sides have. `merged` has the rest of the answer, and all sessions that either side told as a whole. */
export function* mergeCuts(
  merged: TokenAnswer,
  ofDatabase: TokenAnswer,
  ofFiles: TokenAnswer,
  query: TokenQuery,
  priceOf: PriceOf,
): Work<TokenAnswer> {
  const { sessions = [], ...answer } = merged
  if (ofDatabase.breakdowns !== undefined) {
    const breakdowns: Record<string, CutGroups> = {}
    for (const one of query.breakdowns ?? []) {
      const cut = ofDatabase.breakdowns[breakdownKey(one)] as CutGroups
      breakdowns[breakdownKey(one)] = yield* addToCut(cut, groupsIn(ofFiles, one), one, priceOf)
    }
    Object.assign(answer, { breakdowns })
  }
  if (query.sessions === true) return { ...answer, sessions }
  if (ofDatabase.sessionCount === undefined) return answer
  const sessionCount = ofDatabase.sessionCount + sessions.length
  if (ofDatabase.sessionPages === undefined) return { ...answer, sessionCount }
  const sessionPages: Record<string, SessionUsage[]> = {}
  for (const cut of query.sessionPages ?? []) {
    const others = ofDatabase.sessionPages[sessionCutKey(cut)] ?? []
    sessionPages[sessionCutKey(cut)] = yield* mergePage(sessions, others, cut, priceOf)
  }
  return { ...answer, sessionCount, sessionPages }
}

/** What a page begins with, of sessions that are known as a whole, and of what it would begin with without them. */
function* mergePage(
  known: readonly SessionUsage[],
  others: readonly SessionUsage[],
  cut: SessionCut,
  priceOf: PriceOf,
): Work<SessionUsage[]> {
  const ranked: RankedSession[] = []
  for (const one of rankSessions([...known, ...others], cut.order, priceOf)) {
    ranked.push(one)
    yield
  }
  return cutSessions(sortSessions(ranked, cut.order), cut).map(({ session }) => session)
}

function groupsIn(answer: TokenAnswer, one: Breakdown): readonly GroupUsage[] {
  const grouping = groupingOf(one)
  if (grouping.length > 0) return groupsOf(answer, grouping)
  return answer.whole.length === 0 ? [] : [{ values: [], start: 0, usage: answer.whole }]
}
