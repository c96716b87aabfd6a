import { groupingKey } from '../domain/dimensions.ts'
import type { SourceAnswer, SourceRequest } from '../ports/token-source.ts'

/** Whether an answer has all that is asked for: what a stranger has put into the cache may be one to another question. */
export function fits({ answers, quality }: SourceAnswer, request: SourceRequest): boolean {
  if (answers.length !== request.queries.length || (request.quality && quality === undefined)) return false
  return request.queries.every(({ groupings, sessions = false }, i) => {
    const answer = answers[i]
    if (answer === undefined || (sessions && answer.sessions === undefined)) return false
    return groupings.every((grouping) => Object.hasOwn(answer.groups, groupingKey(grouping)))
  })
}
