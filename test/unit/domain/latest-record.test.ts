import { expect, test } from 'vitest'
import { mergeAnswers } from '../../../src/domain/merge-answers.ts'
import { finished } from '../../../src/domain/work.ts'
import { aggregate } from '../../../src/enhanced-analysis/table/aggregate.ts'
import { journalUpdate } from '../../../src/enhanced-analysis/table/journal-update.ts'
import { RecordTable } from '../../../src/enhanced-analysis/table/record-table.ts'
import { copy } from '../../support/store-records.ts'

const QUERY = { filter: {}, groupings: [], sessions: true }

/** What the files answer of one session, whose records came in this order. */
function answerOf(...records: { project: string; user?: string; offset?: number }[]) {
  const table = new RecordTable()
  const copies = records.map((more, i) => copy({ id: JSON.stringify(more), position: i, byMutation: true, ...more }))
  table.apply(journalUpdate({ segment: 'one', to: 100, records: copies }, 0))
  return aggregate(table, QUERY)
}

const shown = ({ sessions = [] }: ReturnType<typeof answerOf>): string[] =>
  sessions.map(({ project, user }) => `${project} of ${user}`)

test.each([
  ['project', { project: 'a' }, { project: 'b' }, 'b of ann'],
  ['project as UTF-8', { project: '\ue000' }, { project: '😀' }, '😀 of ann'],
  ['user', { project: 'a' }, { project: 'a', user: 'bob' }, 'a of bob'],
  ['offset first', { project: 'b' }, { project: 'a', offset: 1 }, 'a of ann'],
])('of records with one origin a session is of the same one, whatever came first: by %s', (_, a, b, expected) => {
  for (const answer of [
    answerOf(a, b),
    answerOf(b, a),
    finished(mergeAnswers(answerOf(a), answerOf(b))),
    finished(mergeAnswers(answerOf(b), answerOf(a))),
  ])
    expect(shown(answer)).toEqual([expected])
})
