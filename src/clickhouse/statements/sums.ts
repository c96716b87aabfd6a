import { z } from 'zod'
import { DIMENSION_NAMES } from '../../domain/dimensions.ts'
import { CONTEXT_TIERS, SLOT_MS } from '../../domain/token-query.ts'
import { IN_ONE_BLOCK } from './elect-winners.ts'
import { FENCED } from './fence.ts'
import { COUNT_COLUMNS, DIMENSION_COLUMNS, MS, TIER } from './record-sql.ts'
import { SLOTS, WINNERS_BY_TIME } from './winners-by-time.ts'

export const WINNERS_SUMMED = 'winners_summed'

/**
 * What sums are made by. Where a release makes them by something else, those of before are no good to it: they are made
 * anew, and meanwhile it sums the winners.
 */
export const SUMS_FORM = `${SLOT_MS} ${DIMENSION_NAMES.join(',')} ${CONTEXT_TIERS.join(',')}`

/** What the records of a group have in common. */
const KEY = ['slot', ...DIMENSION_COLUMNS, 'tier'].join(', ')
const VALUES = [...COUNT_COLUMNS, 'records', 'first_in_slot', 'last_in_slot', 'path', 'offset'].join(', ')
export const SUMMED_COLUMNS = `${KEY}, ${VALUES}`

/** What is summed besides winners by time, which columns go before their sums, and what must be true. */
interface Summing {
  also?: string
  first?: string
  only?: string
}

/**
 * Sums of winners by time, of which `where` selects whole slots of sessions. One level with one condition: to plan a
 * level or a condition more takes longer than to sum a small publication.
 */
export const sumsOf = (byTime: string, where: string, { also = '', first = '', only = '' }: Summing = {}): string => `
    SELECT
      ${first}${KEY},
      ${COUNT_COLUMNS.map((column) => `sum(toUInt128(${column})) AS ${column}`).join(', ')},
      sum(counted) AS records,
      minIf(place.1, counted = 1) AS first_in_slot,
      (max(place) AS latest).1 AS last_in_slot, latest.2 AS path, latest.3 AS offset
    FROM (
      SELECT
        slot, ${DIMENSION_COLUMNS.join(', ')}, ${TIER} AS tier, ${COUNT_COLUMNS.join(', ')},
        1 AS counted, (toUInt32(${MS} % ${SLOT_MS}), toString(path), offset) AS place
      FROM ${byTime} FINAL
      ${also}
    )
    WHERE ${where}${only}
    GROUP BY ${KEY}`

/** Groups that are there, without anything in them: what they have now is added to that. */
const GROUPS_OF_BEFORE = `
      UNION ALL
      SELECT ${KEY}, ${COUNT_COLUMNS.map(() => '0').join(', ')}, 0, (toUInt32(0), '', toUInt64(0))
      FROM ${WINNERS_SUMMED} FINAL`

const sumInto = (into: string, byTime: string, where: string, summing?: Pick<Summing, 'also' | 'only'>): string => `
  INSERT INTO ${into} (seq, is_deleted, ${SUMMED_COLUMNS})
  ${sumsOf(byTime, where, { ...summing, first: '{seq:UInt64}, records = 0, ' })}
  ${IN_ONE_BLOCK}`

/** Sums anew whatever a condition selects: nothing is added to what was there, so it may be repeated. */
const sumAnew = (where: string): string =>
  sumInto(WINNERS_SUMMED, WINNERS_BY_TIME, where, { also: GROUPS_OF_BEFORE, only: ` AND ${FENCED}` })

/** Each slot of a session in which a publication has changed, or may have changed, a winner; of some identities. */
export const sumChanged = (identities = 'true'): string =>
  sumAnew(
    `(slot, session) IN (SELECT slot, session FROM ${WINNERS_BY_TIME} WHERE seq = {seq:UInt64} AND ${identities})`,
  )

export const SUM_SLOTS = sumAnew(SLOTS)

/** The same from and into tables that nobody reads yet. */
export const sumNextSlots = (byTime: string, into: string): string => sumInto(into, byTime, SLOTS)

const hashOf = (rows: string): string => `SELECT count(), sum(cityHash64(${SUMMED_COLUMNS})) FROM (${rows})`

/** Whether the sums of some slots are those of the winners by time. */
export const sumsAreRight = {
  name: 'sums-are-right' as const,
  sql: `
    SELECT toUInt8(
      (${hashOf(sumsOf(WINNERS_BY_TIME, SLOTS))})
      = (${hashOf(`SELECT ${SUMMED_COLUMNS} FROM ${WINNERS_SUMMED} FINAL WHERE ${SLOTS}`)})) AS same`,
  row: z.object({ same: z.number() }),
}
