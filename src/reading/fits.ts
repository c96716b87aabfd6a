import { groupingOf } from '../domain/breakdown.ts'
import { breakdownKey, sessionCutKey } from '../domain/cuts.ts'
import { type Grouping, groupingKey } from '../domain/dimensions.ts'
import type { TokenAnswer, TokenQuery } from '../domain/token-query.ts'
import type { SourceAnswer, SourceRequest } from '../ports/token-source.ts'

/** Whether an answer has all that is asked for: what a stranger has put into the cache may be one to another question. */
export function fits({ answers, quality }: SourceAnswer, request: SourceRequest): boolean {
  if (answers.length !== request.queries.length || (request.quality && quality === undefined)) return false
  return request.queries.every((query, i) => {
    const answer = answers[i]
    return answer !== undefined && hasAll(answer, query)
  })
}

function hasAll(answer: TokenAnswer, query: TokenQuery): boolean {
  const { groupings, sessions = false, sessionPages = [], breakdowns = [] } = query
  const { sessionPages: pages = {}, breakdowns: cut = {} } = answer
  if (sessions && answer.sessions === undefined) return false
  if (answer.sessions === undefined && !sessionPages.every((page) => Object.hasOwn(pages, sessionCutKey(page))))
    return false
  const hasGroups = (grouping: Grouping): boolean => Object.hasOwn(answer.groups, groupingKey(grouping))
  return (
    groupings.every(hasGroups) &&
    breakdowns.every((one) => Object.hasOwn(cut, breakdownKey(one)) || hasGroups(groupingOf(one)))
  )
}
