import { groupingKey } from '../../src/domain/dimensions.ts'
import { groupsOf, type TokenAnswer, type TokenQuery } from '../../src/domain/token-query.ts'
import { TEST_PRICES } from './test-prices.ts'
import { toldCuts } from './told-cuts.ts'

/** Rows in one order, and of pages and breakdowns what readers are told. */
export function normal(whole: TokenAnswer, query: TokenQuery): unknown {
  const { sessionPages: _pages, breakdowns: _breakdowns, pricedBy: _prices, ...rest } = whole
  const answer = asAsked(rest, query)

  const text = (value: unknown): string =>
    JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item))
  const sorted = <T>(list: readonly T[] | undefined): T[] | undefined =>
    list?.toSorted((a, b) => (text(a) < text(b) ? -1 : 1))
  const usage = <T extends { usage: unknown[] }>(list: readonly T[] | undefined): T[] | undefined =>
    sorted(list?.map((group) => ({ ...group, usage: sorted(group.usage) })))
  return {
    ...answer,
    whole: sorted(answer.whole),
    groups: Object.fromEntries(Object.entries(answer.groups).map(([by, groups]) => [by, usage(groups)])),
    sessions: usage(answer.sessions),
    cuts: toldCuts(whole, query, TEST_PRICES.priceOf),
  }
}

/** Without what whoever cuts nothing tells instead. */
function asAsked(answer: TokenAnswer, { sessions, countSessions, groupings }: TokenQuery): TokenAnswer {
  const { sessions: told, sessionCount, ...rest } = answer
  const groups = groupings.map((grouping) => [groupingKey(grouping), groupsOf(answer, grouping)])
  return {
    ...rest,
    groups: Object.fromEntries(groups),
    ...(sessions === true && told !== undefined ? { sessions: told } : {}),
    ...((sessions === true || countSessions === true) && sessionCount !== undefined ? { sessionCount } : {}),
  }
}
