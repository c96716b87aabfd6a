import { type BreakdownRow, breakDown, breakDownCut, groupingOf } from '../domain/breakdown.ts'
import type { PriceOf } from '../domain/cost.ts'
import { type Breakdown, breakdownKey, type SessionCut, sessionCutKey } from '../domain/cuts.ts'
import { cutSessions, type RankedSession, rankSessions, sortSessions } from '../domain/session-page.ts'
import { groupsOf, type TokenAnswer } from '../domain/token-query.ts'
import type { Work } from '../domain/work.ts'
import type { Section } from './answers.ts'

// Pages and breakdowns of an answer, whether its source has cut them or tells all that they follow from.

/** All sessions of an answer in an order; `undefined` where their source has cut the pages. */
export function* allSessions(
  { sessions }: TokenAnswer,
  order: SessionCut['order'],
  priceOf: PriceOf,
): Work<RankedSession[] | undefined> {
  if (sessions === undefined) return undefined
  const ranked: RankedSession[] = []
  for (const one of rankSessions(sessions, order, priceOf)) {
    ranked.push(one)
    yield
  }
  return sortSessions(ranked, order)
}

/** What a page begins with. `all` is of `allSessions`. */
export function sessionsOfPage(
  answer: TokenAnswer,
  cut: SessionCut,
  all: readonly RankedSession[] | undefined,
  priceOf: PriceOf,
): RankedSession[] {
  if (all !== undefined) return cutSessions(all, cut)
  const told = answer.sessionPages?.[sessionCutKey(cut)]
  if (told === undefined) throw new Error(`the answer has no page ${sessionCutKey(cut)}`)
  return [...rankSessions(told, cut.order, priceOf)]
}

/** What a breakdown is asked for by: where it has few groups, by all of them, which other fields ask for as well. */
export function sectionOf(breakdown: Breakdown): Section {
  const grouping = groupingOf(breakdown)
  if (grouping.length === 0) return 'whole'
  return grouping.length === 1 && grouping[0] !== 'session' ? grouping : { breakdown }
}

export function breakdownRows(answer: TokenAnswer, breakdown: Breakdown, priceOf: PriceOf): Work<BreakdownRow[]> {
  const cut = answer.breakdowns?.[breakdownKey(breakdown)]
  if (cut !== undefined) return breakDownCut(cut, breakdown, priceOf)
  const grouping = groupingOf(breakdown)
  const groups = grouping.length === 0 ? [{ values: [], start: 0, usage: answer.whole }] : groupsOf(answer, grouping)
  return breakDown(groups, breakdown, priceOf)
}
