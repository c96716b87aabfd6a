import { z } from 'zod'
import { LABEL_FIELDS, type LabelField } from '../../domain/record-fields.ts'
import type { Scope } from '../../domain/scope.ts'
import type { Params, Statement } from '../database.ts'
import type { Listed } from './counted-rows.ts'
import { ELECTED, ELECTED_COLUMNS, election, SLICE } from './elect-winners.ts'
import {
  COPY_CELLS,
  COPY_SELECTED,
  COUNT_SUMS,
  copyIn,
  countsIn,
  LABEL_CELLS,
  LABEL_COLUMNS,
  labelSql,
  SUM_COLUMNS,
  TOTAL,
  WINNER_COLUMNS,
} from './record-sql.ts'
import { ROW_CHECKSUM } from './row-checksum.ts'
import { scopesSql } from './scopes.ts'

const number = z.string().transform(Number)
const bigint = z.string().transform(BigInt)
const PUBLISHED = "SELECT batch FROM batches FINAL WHERE state = 'published'"
/** Published, or kept by a rollback. */
const NOT_RETIRED = "state != 'retired'"
const DAY = 'toInt32(intDiv(toUnixTimestamp64Milli(time), 86400000))'

export const publishedLogs = {
  name: 'published-logs' as const,
  sql: "SELECT DISTINCT toString(log) AS log FROM batches FINAL WHERE state = 'published'",
  row: z.object({ log: z.string() }),
}

/** Identities with a published copy in `logs`. */
const IN_LOGS = `SELECT identity FROM copies WHERE log IN {logs:Array(String)} AND batch IN (${PUBLISHED})`

const SHARED = `
    SELECT identity FROM copies
    WHERE log NOT IN {logs:Array(String)} AND batch IN (${PUBLISHED}) AND identity IN (${IN_LOGS})`

/** Identities with a published copy in `logs` and with one elsewhere. */
export const sharedIdentities = {
  name: 'shared-identities' as const,
  sql: `SELECT DISTINCT replaceAll(toString(identity), '-', '') AS id FROM (${SHARED})`,
  row: z.object({ id: z.string() }).transform(({ id }) => ({ identity: id })),
}

const LABELS = LABEL_COLUMNS.join(', ')

/** What readers count of all logs but `logs`, by day and every label. */
export const groupsStatement = (excluded: string | undefined) => ({
  name: 'groups' as const,
  sql: `
    SELECT
      log, ${DAY} AS day, ${LABELS},
      count() AS records,
      ${COUNT_SUMS},
      toUInt32(sum(${ROW_CHECKSUM}) % 4294967296) AS checksum
    FROM winners FINAL
    WHERE log NOT IN {logs:Array(String)} ${excluded === undefined ? '' : `AND identity NOT IN ${excluded}`}
    GROUP BY log, day, ${LABELS}`,
  row: z
    .object({ log: z.string(), day: z.number(), ...LABEL_CELLS, records: number, ...SUM_COLUMNS, checksum: z.number() })
    .transform((row) => ({
      log: row.log,
      day: row.day,
      ...labelsIn(row),
      records: row.records,
      ...countsIn(row),
      checksum: row.checksum,
    })),
})

const labelsIn = (row: object): Record<LabelField, string> =>
  Object.fromEntries(
    LABEL_FIELDS.map((field, i) => [field, (row as Record<string, unknown>)[LABEL_COLUMNS[i] as string]]),
  ) as Record<LabelField, string>

/** The rows of one log and day that readers count. */
export const rowsStatement = (excluded: string | undefined) => ({
  name: 'rows' as const,
  sql: `
    SELECT
      replaceAll(toString(identity), '-', '') AS id,
      position,
      ${TOTAL} AS tokens,
      arrayStringConcat([toString(${ROW_CHECKSUM}), ${LABEL_FIELDS.map(labelSql).join(', ')}], '\\t') AS content
    FROM winners FINAL
    WHERE log = {log:String} AND ${DAY} = {day:Int32} ${excluded === undefined ? '' : `AND identity NOT IN ${excluded}`}`,
  row: z
    .object({ id: z.string(), position: number, tokens: number, content: z.string() })
    .transform(({ id, ...rest }) => ({ identity: id, ...rest })),
})

/**
 * Of identities in `logs`, the tokens that readers count, less those that they would count of all other logs; of both,
 * what is within the scopes. Where the copies of `logs` are gone, what is counted of them is all that says so.
 */
export function tokensAddedBy(
  access: readonly Scope[],
  excluded: Listed | undefined,
): { statement: Statement<{ tokens: bigint }>; params: Params } {
  const { conditions, params } = scopesSql(access)
  const left = excluded === undefined ? [] : [`identity NOT IN ${excluded.sql}`]
  const all = (...some: string[]): string => some.join(' AND ')
  const sql = `
    SELECT (
      SELECT sum(toInt128(${TOTAL})) FROM winners FINAL
      WHERE ${all(`(log IN {logs:Array(String)} OR identity IN (${IN_LOGS}))`, ...left, ...conditions)}
    ) - (
      SELECT sum(toInt128(${TOTAL}))
      FROM (
        SELECT ${ELECTED_COLUMNS}
        FROM (${election(all('log NOT IN {logs:Array(String)}', `identity IN (${IN_LOGS})`, ...left))})
        WHERE is_deleted = 0
      )
      WHERE ${all('true', ...conditions)}
    ) AS tokens`
  return {
    statement: { name: 'tokens-added-by' as const, sql, row: z.object({ tokens: bigint }) },
    params: { ...params, ...excluded?.params },
  }
}

/** Records of each published or kept log, as its batches say and as they are found. */
export const logStock = {
  name: 'log-stock' as const,
  sql: `
    SELECT log, sum(noted) AS noted, sum(found) AS found, max(last_position) AS last
    FROM (SELECT batch, log, toUInt64(records) AS noted, last_position FROM batches FINAL WHERE ${NOT_RETIRED}) AS b
    LEFT JOIN (SELECT batch, count() AS found FROM copies WHERE batch IN (SELECT batch FROM batches FINAL WHERE ${NOT_RETIRED}) GROUP BY batch) AS c USING batch
    GROUP BY log`,
  row: z
    .object({ log: z.string(), noted: number, found: number, last: number })
    .transform(({ last: lastPosition, ...rest }) => ({ ...rest, lastPosition })),
}

/**
 * Identities that readers count, and those among the published copies. Both tables are in their order: little memory.
 */
export const identityCounts = {
  name: 'identity-counts' as const,
  sql: `
    SELECT
      (SELECT count() FROM winners FINAL) AS counted,
      (SELECT count() FROM (SELECT identity FROM copies WHERE batch IN (${PUBLISHED}) GROUP BY identity)) AS published
    SETTINGS optimize_aggregation_in_order = 1`,
  row: z.object({ counted: number, published: number }),
}

/** Rows that readers count of logs without the copy that they came from. */
export const countedWithoutCopy = {
  name: 'counted-without-copy' as const,
  sql: `
    SELECT count() AS records FROM winners FINAL
    WHERE log IN {logs:Array(String)} AND identity NOT IN (SELECT identity FROM copies WHERE log IN {logs:Array(String)})`,
  row: z.object({ records: number }),
}

const evidenceOf = <Name extends string>(name: Name, where: string) => ({
  name,
  sql: `
    SELECT batch, log, run, records, tokens, first_position, last_position, digest
    FROM batches FINAL WHERE ${where} ORDER BY batch`,
  row: z
    .object({
      batch: number,
      log: z.string(),
      run: z.string(),
      records: z.number(),
      tokens: z.string(),
      first_position: number,
      last_position: number,
      digest: z.string(),
    })
    .transform(({ first_position: firstPosition, last_position: lastPosition, ...rest }) => {
      return { ...rest, firstPosition, lastPosition }
    }),
})

/** Batches that count, or are kept, with what they were verified to hold. */
export const evidence = evidenceOf('evidence', NOT_RETIRED)

/** Batches that count no more and whose copies were not dropped. */
export const retiredEvidence = evidenceOf(
  'retired-evidence',
  "state = 'retired' AND batch IN (SELECT DISTINCT batch FROM copies)",
)

/** The copies of some batches. */
export const copiesOfBatches = {
  name: 'copies-of-batches' as const,
  sql: `
    SELECT batch, ${COPY_SELECTED}
    FROM copies WHERE batch IN {batches:Array(UInt64)}
    ORDER BY batch, position, identity`,
  row: z.object({ batch: number, ...COPY_CELLS }).transform((row) => ({ batch: row.batch, record: copyIn(row) })),
}

const HASH = (columns: string): string => `(count(), sum(cityHash64(identity, ${columns})))`

/** Whether the winners of some identities are those that follow from the published copies. */
const areElected = <Name extends string>(name: Name, where: string) => ({
  name,
  sql: `
    SELECT toUInt8(
      (SELECT ${HASH(ELECTED)} FROM (${election(where)}) WHERE is_deleted = 0)
      = (SELECT ${HASH(WINNER_COLUMNS.join(', '))} FROM winners FINAL WHERE ${where})) AS same
    SETTINGS optimize_aggregation_in_order = 1`,
  row: z.object({ same: z.number() }),
})

/** Of one slice of all identities. */
export const winnersAreElected = areElected('winners-are-elected', SLICE)

const OF_SEVERAL = 'SELECT identity FROM copies WHERE by_mutation GROUP BY identity HAVING min(user) != max(user)'

/** Whether several users brought in the same identity; few are, and to look at their owners takes long to plan. */
export const ofSeveral = {
  name: 'of-several' as const,
  sql: `SELECT count() AS found FROM (${OF_SEVERAL} LIMIT 1)`,
  row: z.object({ found: z.string().transform((found) => found !== '0') }),
}

/** Of those. */
export const ownersAreElected = areElected('owners-are-elected', `identity IN (${OF_SEVERAL})`)
