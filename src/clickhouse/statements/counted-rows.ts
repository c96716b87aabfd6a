import { DIMENSION_NAMES, DIMENSIONS } from '../../domain/dimensions.ts'
import type { Scope } from '../../domain/scope.ts'
import { SLOT_MS, type TokenFilter } from '../../domain/token-query.ts'
import type { Params } from '../database.ts'
import { COUNT_COLUMNS, DIMENSION_COLUMNS, labelSql, MS, SLOT, TIER } from './record-sql.ts'
import { scopesSql } from './scopes.ts'
import { WINNERS_SUMMED } from './sums.ts'
import { WINNERS_BY_TIME } from './winners-by-time.ts'

/** Some identities, or other things: an expression for their set, and its parameters. */
export interface Listed {
  sql: string
  params: Params
}

/** What a statement looks at, whatever is asked. */
export interface Within {
  access: readonly Scope[]
  /** Identities that are left out. */
  excluded: Listed | undefined
  /** Names of logs whose winners are left out. */
  withoutLogs: readonly string[]
  /** Whether there are sums of everything; else the winners are summed. */
  summed: boolean
  /** What else each row must satisfy, by columns that winners and sums have: `slot` and the dimensions. */
  only?: { conditions: readonly string[]; params: Params } | undefined
}

const COMMON = [...DIMENSION_COLUMNS, ...COUNT_COLUMNS].join(', ')

/** A winner as a row that sums can have as well: `first_at` and `last_at` in milliseconds since 1970. */
const oneOf = (from: string, slot: string, where: readonly string[]): string => `
        SELECT ${slot} AS slot, ${TIER} AS tier, ${COMMON}, 1 AS records, ${MS} AS first_at, ${MS} AS last_at, path, offset
        FROM ${from} FINAL
        ${whereSql(where)}`

const sumsOf = (where: readonly string[]): string => `
        SELECT
          slot, tier, ${COMMON}, records,
          toInt64(slot) * ${SLOT_MS} + first_in_slot AS first_at, toInt64(slot) * ${SLOT_MS} + last_in_slot AS last_at,
          path, offset
        FROM ${WINNERS_SUMMED} FINAL
        ${whereSql(where)}`

const whereSql = (conditions: readonly string[]): string =>
  conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`

/**
 * Rows that together are the winners which a filter selects, each winner in one of them. Where there are sums these are
 * those of whole slots, and single winners of what is left: the part of a slot at an end of the range, and each slot of a
 * session that has a winner which is left out. So what it costs follows from what is selected, and nothing is ever
 * subtracted.
 */
export function countedRows(filter: TokenFilter, within: Within): { rows: string; params: Params } {
  const { conditions, params } = selected(filter, within)
  const out = leftOut(within)
  const time = [
    ...(filter.from === undefined ? [] : ['time >= fromUnixTimestamp64Milli({from:Int64})']),
    ...(filter.to === undefined ? [] : ['time < fromUnixTimestamp64Milli({to:Int64})']),
  ]
  const others = out.map((one) => `NOT (${one})`)
  if (!within.summed) return { rows: oneOf('winners', SLOT, [...time, ...conditions, ...others]), params }
  const { whole, edges } = slotsOf(filter)
  const has = `(slot, session) IN (SELECT slot, session FROM ${WINNERS_BY_TIME} WHERE ${all(...whole, `(${out.join(' OR ')})`)})`
  const single = [
    ...(edges.length === 0 ? [] : [`slot IN (${edges.join(', ')})`]),
    ...(out.length === 0 ? [] : [`(${all(...whole, has)})`]),
  ]
  const rows = [sumsOf([...whole, ...conditions, ...(out.length === 0 ? [] : [`NOT ${has}`])])]
  if (single.length > 0)
    rows.push(oneOf(WINNERS_BY_TIME, 'slot', [`(${single.join(' OR ')})`, ...time, ...conditions, ...others]))
  return { rows: rows.join(' UNION ALL '), params }
}

const all = (...some: string[]): string => some.join(' AND ')

/** Which winners are left out: one condition each. */
const leftOut = ({ excluded, withoutLogs }: Within): string[] => [
  ...(excluded === undefined ? [] : [`identity IN ${excluded.sql}`]),
  ...(withoutLogs.length === 0 ? [] : ['log IN {withoutLogs:Array(String)}']),
]

/** What the dimensions of a row must be, which is the same for a winner and for a sum. */
function selected(filter: TokenFilter, within: Within): { conditions: string[]; params: Params } {
  const { access, excluded, withoutLogs, only } = within
  const scopes = scopesSql(access)
  const conditions = [...scopes.conditions, ...(only?.conditions ?? [])]
  const params: Params = { ...scopes.params, ...excluded?.params, ...only?.params }
  if (withoutLogs.length > 0) params.withoutLogs = withoutLogs
  if (filter.from !== undefined) params.from = filter.from
  if (filter.to !== undefined) params.to = filter.to
  for (const name of DIMENSION_NAMES) {
    const { filter: list, field } = DIMENSIONS[name]
    const names = filter[list]
    if (names === undefined) continue
    conditions.push(`has({${list}:Array(String)}, ${labelSql(field)})`)
    params[list] = names
  }
  return { conditions, params }
}

/** Slots that a range has as a whole, and those that it has a part of. */
function slotsOf({ from, to }: TokenFilter): { whole: string[]; edges: number[] } {
  const edges = [from, to].flatMap((time) =>
    time === undefined || time < 0 || time % SLOT_MS === 0 ? [] : [Math.floor(time / SLOT_MS)],
  )
  return {
    whole: [
      ...(from === undefined ? [] : [`slot >= ${Math.max(0, Math.ceil(from / SLOT_MS))}`]),
      ...(to === undefined ? [] : [`slot < ${Math.max(0, Math.floor(to / SLOT_MS))}`]),
    ],
    edges: [...new Set(edges)],
  }
}
