import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { TokenAnswer } from '../domain/token-query.ts'
import type { PriceList } from '../ports/price-list.ts'
import type { PublishedQuery, PublishedRecords } from '../ports/record-store.ts'
import { toAnswer, toSessions } from './answer-rows.ts'
import { type Asking, cutParts } from './cut-parts.ts'
import type { Database } from './database.ts'
import { excludedBy, identitiesIn } from './listed.ts'
import { StatementError } from './statement-error.ts'
import { answerStatement, sessionsStatement } from './statements/answer.ts'
import { copiesInLogs } from './statements/copies-in-logs.ts'
import type { Within } from './statements/counted-rows.ts'
import { areSumsFilled } from './sums.ts'

/** ClickHouse's error number for a result with more rows than `max_result_rows`. */
const TOO_MANY_ROWS = 396
/** Copies that are told one by one: some 50 MB in memory. */
const MAX_COPIES = 100_000

export interface PublishedOptions {
  prices: PriceList
  maxSums?: number
  maxCopies?: number
}

/** Throws QUERY_TOO_EXPENSIVE where all answers of one call together would have more than `maxSums` sums. */
export function createPublishedRecords(db: Database, options: PublishedOptions): PublishedRecords {
  const { prices, maxSums = LIMITS.answerSums.value, maxCopies = MAX_COPIES } = options
  return {
    async answer({ queries, access, withoutLogs = [] }, without, inTurn = (statement) => statement()) {
      const query: Database['query'] = (...statement) => inTurn(() => db.query(...statement))
      const sums = boundedSums(query, maxSums)
      const excluded = excludedBy(without)
      const within: Within = { access, excluded, withoutLogs, summed: await areSumsFilled({ query }) }
      const answers: TokenAnswer[] = []
      for (const one of queries) answers.push(await answerOne({ query, sums, prices, within }, one))
      return answers
    },
    async copiesIn(logs, identities, inTurn = (statement) => statement()) {
      if (logs.length === 0 || identities.length === 0) return []
      const { sql, params } = identitiesIn(identities)
      const statement = { ...copiesInLogs(sql), maxRows: maxCopies }
      return inTurn(() => db.query(statement, { ...params, logs })).catch((error: unknown) => {
        if (!hasTooManyRows(error)) throw error
        throw new BridgeError('SOURCE_UNAVAILABLE', `more than ${maxCopies} copies are in ClickHouse alone`)
      })
    },
  }
}

const hasTooManyRows = (error: unknown): boolean => error instanceof StatementError && error.code === TOO_MANY_ROWS

/** Asks for sums, of which all answers of one operation together have a bounded number. */
function boundedSums(ask: Database['query'], maxSums: number): Asking['sums'] {
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

async function answerOne(asking: Asking, query: PublishedQuery): Promise<TokenAnswer> {
  const { sums, within } = asking
  const answered = await toAnswer(query, await sums(answerStatement(query, within)))
  const cut = await cutParts(asking, query, answered.whole)
  if (query.sessions !== true) return { ...answered, ...cut }
  const sessions = await toSessions(await sums(sessionsStatement(query, within)))
  return { ...answered, ...cut, sessions, sessionCount: sessions.length }
}
