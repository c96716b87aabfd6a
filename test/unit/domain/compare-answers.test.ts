import { describe, expect, test } from 'vitest'
import { compareAnswers } from '../../../src/domain/compare-answers.ts'
import type { SessionUsage, TokenAnswer, UsageSums } from '../../../src/domain/token-query.ts'
import { finished } from '../../../src/domain/work.ts'

const sums = (model: string, more: Partial<UsageSums> = {}): UsageSums => ({
  model,
  tier: 0,
  input: 1n,
  output: 2n,
  cacheRead: 0n,
  cacheCreation5m: 0n,
  cacheCreation1h: 0n,
  records: 1n,
  ...more,
})
const session = (id: string, more: Partial<SessionUsage> = {}): SessionUsage => ({
  id,
  project: 'p',
  user: 'ann',
  host: 'laptop',
  startedAt: 1,
  lastActivityAt: 2,
  latestPath: 'a',
  latestOffset: 0,
  usage: [sums('m')],
  ...more,
})
const answer = (more: Partial<TokenAnswer> = {}): TokenAnswer => ({
  whole: [sums('m'), sums('n')],
  sessionCount: 1,
  firstAt: 1,
  lastAt: 2,
  groups: { project: [{ values: ['p'], start: 0, usage: [sums('m')] }] },
  sessions: [session('s')],
  ...more,
})
const compare = (candidate: Partial<TokenAnswer>, most = 10): string[] =>
  finished(compareAnswers(answer(), answer(candidate), most)).map(
    ({ field, control, candidate }) => `${field} ${control} ${candidate}`,
  )

describe('two answers to one query', () => {
  test('are the same in whatever order their lists are, with groups of nothing, and with another place of the latest record', () => {
    const nothing = sums('x', { input: 0n, output: 0n, records: 0n })
    expect(
      compare({
        whole: [nothing, sums('n'), sums('m')],
        groups: {
          project: [
            { values: ['q'], start: 0, usage: [nothing] },
            { values: ['p'], start: 0, usage: [sums('m')] },
          ],
        },
        sessions: [session('s', { latestPath: 'b', latestOffset: 7 })],
      }),
    ).toEqual([])
  })

  test('differ by each field that a client sees, which is named', () => {
    expect(compare({ whole: [sums('m', { output: 3n }), sums('n')] })).toEqual(['whole[m].output 2 3'])
    expect(compare({ whole: [sums('m')] })).toEqual([
      'whole[n].input 1 0',
      'whole[n].output 2 0',
      'whole[n].records 1 0',
    ])
    expect(compare({ whole: [sums('m'), sums('n', { tier: 1 })] }, 1)).toEqual(['whole[n].input 1 0'])
    expect(compare({ firstAt: undefined, lastAt: 3 })).toEqual(['firstAt 1 nothing', 'lastAt 2 3'])
    expect(compare({ sessionCount: 2 })).toEqual(['sessionCount 1 2'])
    expect(compare({ groups: { project: [{ values: ['q'], start: 0, usage: [sums('m')] }] } }, 1)).toEqual([
      'by project["p"][m].input 1 0',
    ])
    expect(compare({ sessions: [session('s', { user: 'bob' })] })).toEqual(['sessions[s].user ann bob'])
    expect(compare({ sessions: [session('s'), session('t')] })).toContain('sessions[t].project nothing p')
  })

  test('differ in no field that was not asked for', () => {
    const { sessionCount: _, sessions: __, ...less } = answer()
    expect(finished(compareAnswers(answer(), less, 10))).toEqual([])
  })
})
