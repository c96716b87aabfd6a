import { bucketsOf, type Grouping, groupingKey } from '../domain/dimensions.ts'
import { BridgeError } from '../domain/errors.ts'
import { isLater } from '../domain/latest-record.ts'
import { LIMITS } from '../domain/limits.ts'
import { addUp } from '../domain/merge-answers.ts'
import { bucketStarts } from '../domain/time-buckets.ts'
import {
  type GroupUsage,
  type SessionUsage,
  SLOT_MS,
  type TokenAnswer,
  type TokenQuery,
  type UsageSums,
} from '../domain/token-query.ts'
import type { PublishedRecords } from '../ports/record-store.ts'
import { eachGivingWay, mapGivingWay } from '../turns/pace.ts'
import type { Database } from './database.ts'
import { withExcluded, withIdentities } from './excluded.ts'
import { StatementError } from './statement-error.ts'
import {
  type AnswerRow,
  answerStatement,
  sessionCountStatement,
  sessionsStatement,
  setsOf,
} from './statements/answer.ts'
import { copiesInLogs } from './statements/copies-in-logs.ts'
import type { Within } from './statements/counted-rows.ts'
import { areSumsFilled } from './sums.ts'

/** ClickHouse's error number for a result with more rows than `max_result_rows`. */
const TOO_MANY_ROWS = 396
/** Copies that are told one by one: some 50 MB in memory. */
const MAX_COPIES = 100_000

/** Throws QUERY_TOO_EXPENSIVE where all answers of one call together would have more than `maxSums` sums. */
export function createPublishedRecords(
  db: Database,
  maxSums: number = LIMITS.answerSums.value,
  maxCopies = MAX_COPIES,
): PublishedRecords {
  return {
    answer: ({ queries, access }, excluded, inTurn = (statement) => statement()) =>
      withExcluded(db, excluded, async (left) => {
        const query: Database['query'] = (...statement) => inTurn(() => db.query(...statement))
        const sums = boundedSums(query, maxSums)
        const within: Within = { access, excluded: left, summed: await areSumsFilled({ query }) }
        const answers: TokenAnswer[] = []
        for (const one of queries) answers.push(await answerOne(query, sums, one, within))
        return answers
      }),
    async copiesIn(logs, identities, inTurn = (statement) => statement()) {
      if (logs.length === 0 || identities.length === 0) return []
      return withIdentities(db, identities, ({ sql, params }) =>
        inTurn(() => db.query({ ...copiesInLogs(sql), maxRows: maxCopies }, { ...params, logs })),
      ).catch((error: unknown) => {
        if (!hasTooManyRows(error)) throw error
        throw new BridgeError('SOURCE_UNAVAILABLE', `more than ${maxCopies} copies are in ClickHouse alone`)
      })
    },
  }
}

const hasTooManyRows = (error: unknown): boolean => error instanceof StatementError && error.code === TOO_MANY_ROWS

type Asking = ReturnType<typeof answerStatement>

/** Asks for sums, of which all answers of one operation together have a bounded number. */
function boundedSums(ask: Database['query'], maxSums: number): (asking: Asking) => Promise<AnswerRow[]> {
  let left = maxSums
  const refuse = (): never => {
    throw new BridgeError('QUERY_TOO_EXPENSIVE', `the answer would have more than ${maxSums} sums`)
  }
  return async ({ statement, params }) => {
    // to ClickHouse, 0 is no limit
    const rows = await ask({ ...statement, maxRows: Math.max(1, left) }, params).catch((error: unknown) => {
      if (hasTooManyRows(error)) return refuse()
      throw error
    })
    if (rows.length > left) refuse()
    left -= rows.length
    return rows
  }
}

async function answerOne(
  ask: Database['query'],
  sums: (asking: Asking) => Promise<AnswerRow[]>,
  query: TokenQuery,
  within: Within,
): Promise<TokenAnswer> {
  const answered = await toAnswer(query, await sums(answerStatement(query, within)))
  if (query.sessions === true) {
    const sessions = await toSessions(await sums(sessionsStatement(query, within)))
    return { ...answered, sessions, sessionCount: sessions.length }
  }
  if (query.countSessions !== true) return answered
  const counting = sessionCountStatement(query, within)
  const [row] = await ask(counting.statement, counting.params)
  return { ...answered, sessionCount: row?.sessions ?? 0 }
}

async function toAnswer(query: TokenQuery, rows: readonly AnswerRow[]): Promise<TokenAnswer> {
  const byKind = await groupRows(rows, ({ kind }) => kind)
  const whole = byKind.get(WHOLE) ?? []
  const answer: TokenAnswer = {
    whole: await mapGivingWay(whole, toSums),
    firstAt: whole.length === 0 ? undefined : earliest(whole),
    lastAt: whole.length === 0 ? undefined : latest(whole),
    groups: {},
  }
  const { setOf } = setsOf(query)
  for (const [i, grouping] of query.groupings.entries())
    answer.groups[groupingKey(grouping)] = await toGroups(grouping, byKind.get(setOf[i] as number) ?? [])
  return answer
}

/** The kind of the rows that are of no grouping. */
const WHOLE = -1

async function toGroups(grouping: Grouping, rows: readonly AnswerRow[]): Promise<GroupUsage[]> {
  const keysOf = ({ key }: AnswerRow): string[] => (grouping.length === 1 ? [key] : (JSON.parse(key) as string[]))
  const buckets = bucketsOf(grouping)
  if (buckets === undefined)
    return mapGivingWay(await groupRows(rows, keyOf), ([, list]) => ({
      values: keysOf(list[0] as AnswerRow),
      start: 0,
      usage: list.map(toSums),
    }))
  const startOf = bucketStarts(buckets)
  const placeOf = (row: AnswerRow): Pick<GroupUsage, 'values' | 'start'> => {
    const values = keysOf(row)
    // the slot is the last of the columns
    const slot = Number(values.pop())
    return { values, start: startOf(slot * SLOT_MS) }
  }
  const byBucket = await groupRows(rows, (row) => {
    const { values, start } = placeOf(row)
    return values.length === 0 ? start : JSON.stringify([values, start])
  })
  return mapGivingWay(byBucket, ([, list]) => ({
    ...placeOf(list[0] as AnswerRow),
    usage: addUp(list.map(toSums)),
  }))
}

const keyOf = ({ key }: AnswerRow): string => key

// not `Math.min(...rows)`: there may be more rows than a call can have arguments
const earliest = (rows: readonly AnswerRow[]): number =>
  rows.reduce((first, { first_ms }) => Math.min(first, first_ms), Number.POSITIVE_INFINITY)

const latest = (rows: readonly AnswerRow[]): number =>
  rows.reduce((last, { last_ms }) => Math.max(last, last_ms), Number.NEGATIVE_INFINITY)

async function toSessions(rows: readonly AnswerRow[]): Promise<SessionUsage[]> {
  return mapGivingWay(await groupRows(rows, keyOf), ([id, list]) => {
    const [project, user, host, , path, offset] = latestOf(list)
    return {
      id,
      project,
      user,
      host,
      startedAt: earliest(list),
      lastActivityAt: latest(list),
      latestPath: path,
      latestOffset: offset,
      usage: list.map(toSums),
    }
  })
}

type Latest = NonNullable<AnswerRow['latest']>

/** The latest record among those of all models and tiers. */
const latestOf = (rows: readonly AnswerRow[]): Latest =>
  rows.map((row) => row.latest as Latest).reduce((a, b) => (isLater(momentOf(b), momentOf(a)) ? b : a))

const momentOf = ([project, user, host, time, path, offset]: Latest) => ({ project, user, host, time, path, offset })

/** In the order of the first of each; others have their turns in between. */
async function groupRows<Name>(
  rows: readonly AnswerRow[],
  nameOf: (row: AnswerRow) => Name,
): Promise<Map<Name, AnswerRow[]>> {
  const groups = new Map<Name, AnswerRow[]>()
  await eachGivingWay(rows, (row) => {
    const name = nameOf(row)
    const list = groups.get(name)
    if (list === undefined) groups.set(name, [row])
    else list.push(row)
  })
  return groups
}

const toSums = (row: AnswerRow): UsageSums => ({
  model: row.model,
  tier: row.tier,
  input: row.input_sum,
  output: row.output_sum,
  cacheRead: row.cacheRead_sum,
  cacheCreation5m: row.cacheCreation5m_sum,
  cacheCreation1h: row.cacheCreation1h_sum,
  records: row.records,
})
