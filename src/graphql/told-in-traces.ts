import type { SpanFacts } from '../ports/spans.ts'
import type { RequestNotes } from './context.ts'

/** What traces tell of the answers to an operation: each fact once. */
export function factsOfAnswers({ answers }: Pick<RequestNotes, 'answers'>): SpanFacts {
  if (answers.length === 0) return {}
  return {
    source: [...new Set(answers.map(({ source }) => source))],
    reason: [...new Set(answers.map(({ reason }) => reason))],
    cache: [...new Set(answers.map(({ cache }) => cache))],
  }
}
