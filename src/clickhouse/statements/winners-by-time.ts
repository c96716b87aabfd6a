import { z } from 'zod'
import { type Elected, electedColumn, election, IN_ONE_BLOCK, SLICE } from './elect-winners.ts'
import { FENCED } from './fence.ts'
import { SLOT, slotOf, WINNER_COLUMNS } from './record-sql.ts'

export const WINNERS_BY_TIME = 'winners_by_time'

/** Some slots, from one on up to but not including another one. */
export const SLOTS = 'slot >= {from:UInt32} AND slot < {to:UInt32}'

const VALUES = WINNER_COLUMNS.join(', ')
/** What the table has of a winner, beside its slot. */
const BY_TIME = `identity, ${VALUES}`
const OTHERS = WINNER_COLUMNS.filter((column) => column !== 'session')

/**
 * Chooses winners anew, by time, before they are seen: for each identity a row at each place where
 * it may have been or is now. These are the places of all its copies and of the winner of before, whose copy may be gone.
 * A row is the winner where that stands, and else deleted. It may be repeated, and it may have been cut off anywhere.
 */
export const timeWinners = ({ where, winners }: Elected): string => `
  INSERT INTO ${WINNERS_BY_TIME} (slot, session, identity, seq, is_deleted, ${OTHERS.join(', ')})
  SELECT
    place.1, place.2, identity, {seq:UInt64}, is_deleted OR place != here,
    ${OTHERS.map(electedColumn).join(', ')}
  FROM (
    SELECT
      identity, is_deleted, w,
      (${slotOf(electedColumn('time'))}, ${electedColumn('session')}) AS here,
      arrayJoin(arrayDistinct(arrayConcat(if(is_deleted, [], [here]), places, before))) AS place
    FROM (${election(where, 'places')}) AS elected
    LEFT JOIN (
      SELECT identity, [(${SLOT}, session)] AS before FROM winners FINAL WHERE ${where}
    ) AS known USING identity
  )
  WHERE ${winners}
  ${IN_ONE_BLOCK}`

/**
 * The winners of an election, as it stands by time: the row of each identity that is not deleted, if there is one.
 * `identities` is as in the election, where others have the same number.
 */
export const electWinners = (identities = 'true'): string => `
  INSERT INTO winners (identity, seq, is_deleted, ${VALUES})
  SELECT identity, seq, is_deleted, ${VALUES}
  FROM ${WINNERS_BY_TIME}
  WHERE seq = {seq:UInt64} AND ${identities} AND ${FENCED}
  ORDER BY identity, is_deleted
  LIMIT 1 BY identity
  ${IN_ONE_BLOCK}`

/** All winners that a condition selects, from one table of them into one of winners by time. Each keeps its number. */
export const copyByTime = (from: string, into: string, where: string): string => `
  INSERT INTO ${into} (slot, seq, ${BY_TIME})
  SELECT ${SLOT}, seq, ${BY_TIME}
  FROM ${from} FINAL
  WHERE ${where}
  ${IN_ONE_BLOCK}`

/** The same where others may have the right to publish by now. */
export const copyByTimeFenced = (where: string): string =>
  copyByTime('winners', WINNERS_BY_TIME, `${where} AND ${FENCED}`)

const number = z.string().transform(BigInt)

/** What tells whether rows are the same ones, of some of them: such numbers of several parts can be added up. */
const hashOf = <Name extends string>(name: Name, rows: string) => ({
  name,
  sql: `SELECT count() AS rows, sum(cityHash64(slot, ${BY_TIME})) AS hash FROM (${rows})`,
  row: z.object({ rows: number, hash: number }),
})

/** Of the winners of one slice of all identities. */
export const hashOfWinners = hashOf(
  'hash-of-winners',
  `SELECT ${SLOT} AS slot, ${BY_TIME} FROM winners FINAL WHERE ${SLICE}`,
)

/** The same of the winners by time that are in some slots. */
export const hashByTime = hashOf('hash-by-time', `SELECT slot, ${BY_TIME} FROM ${WINNERS_BY_TIME} FINAL WHERE ${SLOTS}`)
