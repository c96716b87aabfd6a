import {
  type Grouping,
  type SessionUsage,
  SLOT_MS,
  type TokenAnswer,
  type TokenQuery,
  type UsageSums,
} from '../domain/token-query.ts'
import type { PublishedRecords } from '../ports/record-store.ts'
import type { Database } from './database.ts'
import { withExcluded } from './excluded.ts'
import {
  type AnswerRow,
  answerStatement,
  type Excluded,
  sessionCountStatement,
  sessionsStatement,
} from './statements/answer.ts'

export function createPublishedRecords(db: Database): PublishedRecords {
  const answer = async (query: TokenQuery, excluded: Excluded | undefined): Promise<TokenAnswer> => {
    const { statement, params } = answerStatement(query, excluded)
    const answered = toAnswer(query, await db.query(statement, params))
    if (query.groupings.includes('session')) {
      const asking = sessionsStatement(query, excluded)
      const bySession = toSessions(await db.query(asking.statement, asking.params))
      return { ...answered, bySession, sessionCount: bySession.length }
    }
    if (query.countSessions !== true) return answered
    const counting = sessionCountStatement(query, excluded)
    const [row] = await db.query(counting.statement, counting.params)
    return { ...answered, sessionCount: row?.sessions ?? 0 }
  }
  const answerAll = async (queries: readonly TokenQuery[], excluded: Excluded | undefined): Promise<TokenAnswer[]> => {
    const answers: TokenAnswer[] = []
    for (const query of queries) answers.push(await answer(query, excluded))
    return answers
  }
  return {
    answer: (queries, excluded) => withExcluded(db, excluded, (left) => answerAll(queries, left)),
  }
}

function toAnswer({ groupings }: TokenQuery, rows: readonly AnswerRow[]): TokenAnswer {
  const of = (kind: string): AnswerRow[] => rows.filter((row) => row.kind === kind)
  const whole = of('whole')
  const answer: TokenAnswer = {
    whole: whole.map(toSums),
    firstAt: whole.length === 0 ? undefined : Math.min(...whole.map((row) => row.first_ms)),
    lastAt: whole.length === 0 ? undefined : Math.max(...whole.map((row) => row.last_ms)),
  }
  const keyed = (grouping: Grouping) =>
    [...byKey(of(grouping))].map(([key, list]) => ({ key, usage: list.map(toSums) }))
  if (groupings.includes('project')) answer.byProject = keyed('project')
  if (groupings.includes('user')) answer.byUser = keyed('user')
  if (groupings.includes('slot'))
    answer.bySlot = keyed('slot').map(({ key, usage }) => ({ start: Number(key) * SLOT_MS, usage }))
  return answer
}

function toSessions(rows: readonly AnswerRow[]): SessionUsage[] {
  return [...byKey(rows)].map(([id, list]) => {
    const [project, user, host, , path, offset] = latestOf(list)
    return {
      id,
      project,
      user,
      host,
      startedAt: Math.min(...list.map((row) => row.first_ms)),
      lastActivityAt: Math.max(...list.map((row) => row.last_ms)),
      latestPath: path,
      latestOffset: offset,
      usage: list.map(toSums),
    }
  })
}

type Latest = NonNullable<AnswerRow['latest']>

/** The latest record among those of all models and tiers: by time, then path, then offset. */
function latestOf(rows: readonly AnswerRow[]): Latest {
  return rows
    .map((row) => row.latest as Latest)
    .reduce((a, b) => {
      if (a[3] !== b[3]) return a[3] > b[3] ? a : b
      const byPath = Buffer.compare(Buffer.from(a[4]), Buffer.from(b[4]))
      if (byPath !== 0) return byPath > 0 ? a : b
      return a[5] >= b[5] ? a : b
    })
}

function byKey(rows: readonly AnswerRow[]): Map<string, AnswerRow[]> {
  const groups = new Map<string, AnswerRow[]>()
  for (const row of rows) {
    const list = groups.get(row.key)
    if (list === undefined) groups.set(row.key, [row])
    else list.push(row)
  }
  return groups
}

const toSums = (row: AnswerRow): UsageSums => ({
  model: row.model,
  tier: row.tier,
  input: row.input_sum,
  output: row.output_sum,
  cacheRead: row.cache_read_sum,
  cacheCreation5m: row.cache_creation_5m_sum,
  cacheCreation1h: row.cache_creation_1h_sum,
  records: row.records,
})
