import { FENCED } from './fence.ts'
import { SLOT, TOTAL, WINNER_COLUMNS } from './record-sql.ts'

const VALUES = WINNER_COLUMNS.join(', ')

/** A column of a winner, as `election` gives it. */
export const electedColumn = (column: string): string => `w.${WINNER_COLUMNS.indexOf(column) + 1}`

/** What `election` gives of each winner. */
export const ELECTED = WINNER_COLUMNS.map(electedColumn).join(', ')

/** The same under the names of their columns. */
export const ELECTED_COLUMNS = WINNER_COLUMNS.map((column) => `${electedColumn(column)} AS ${column}`).join(', ')

/** The log that a copy stands in, of the journal its segment: whichever ledger shipped it, in whichever edition. */
const KEY = "extract(log, '/(.*)#')"

/**
 * Of each identity of some copies, the winner among those that are published, by rule 8 (`domain/rank.ts`), as
 * `identity, is_deleted, w`, where `is_deleted` says that none is published. `where` selects the copies.
 *
 * A transcript's copy counts before those that came by mutation. Of these the copies of the owner take part
 * (`isClaimedBefore`): of the user whose first copy was there first, by stamp, segment and user, as in memory; of copies
 * without a stamp by their place. Then the main chain, the larger total, the earlier time, path, offset and place, as in
 * memory (and then log and batch: of a copy that was shipped twice it is always the same one). One pass over the copies;
 * what came by mutation is gathered, since only all of an identity together say who owns it. With `places`, slot and
 * session of each copy come along, of those that are not published, too.
 */
export const election = (where: string, places: 'places' | '' = ''): string => `
    SELECT
      identity, ${places === '' ? '' : 'places,'} transcripts + length(mutations) = 0 AS is_deleted,
      arraySort(one -> one.1, mutations)[1].2 AS owner,
      if(transcripts > 0, of_transcripts, arraySort(one -> one.3, arrayFilter(one -> one.2 = owner, mutations))[1].4) AS w
    FROM (
      SELECT
        identity,
        countIf(counts AND NOT by_mutation) AS transcripts,
        argMinIf(copy, rank, counts AND NOT by_mutation) AS of_transcripts,
        groupArrayIf((claim, claimant, rank, copy), counts AND by_mutation) AS mutations
        ${places === '' ? '' : ', groupUniqArray((slot, session)) AS places'}
      FROM (
        SELECT
          identity, by_mutation, toString(user) AS claimant,
          batch IN (SELECT batch FROM batches FINAL WHERE state = 'published') AS counts,
          (stamp, ${KEY}, if(stamp = 0, position, 0), claimant) AS claim,
          (sidechain, -toInt64(${TOTAL}), time, path, offset, ${KEY}, position, log, batch) AS rank,
          (${VALUES}) AS copy
          ${places === '' ? '' : `, ${SLOT} AS slot, session`}
        FROM copies
        WHERE ${where}
      )
      GROUP BY identity
    )`

/** One block up to a million rows: readers see all of it or nothing. */
export const IN_ONE_BLOCK =
  'SETTINGS max_threads = 2, min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 0'

/** One of several parts of all identities, which are not all at once in memory (`identitySlice`). */
export const SLICE = 'identity >= {low:UUID} AND NOT (identity >= {high:UUID} AND {slice:UInt32} + 1 < {slices:UInt32})'

/** Which identities are elected: as a condition, and which of their winners are told. */
export interface Elected {
  where: string
  winners: string
}

/** Those that some batches hold. `batches` is an expression for a set of batch numbers. */
export const ofBatches = (batches: string): Elected => ({
  where: `identity IN (SELECT identity FROM copies WHERE batch IN ${batches})`,
  winners: FENCED,
})

/** Those of one slice that have no winner. */
export const MISSING: Elected = {
  where: `${SLICE} AND identity NOT IN (SELECT identity FROM winners FINAL WHERE ${SLICE})`,
  winners: `is_deleted = 0 AND ${FENCED}`,
}

/** The winners of one slice of all published copies, into a table that nobody reads yet. */
export const electSlice = (into: string): string => `
  INSERT INTO ${into} (identity, seq, is_deleted, ${VALUES})
  SELECT identity, {seq:UInt64}, is_deleted, ${ELECTED}
  FROM (${election(SLICE)})
  WHERE is_deleted = 0
  ${IN_ONE_BLOCK}`
