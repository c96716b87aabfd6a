import { FENCED } from './fence.ts'
import { TOTAL, WINNER_COLUMNS } from './record-sql.ts'

const VALUES = WINNER_COLUMNS.join(', ')

/** What `election` gives of each winner. */
export const ELECTED = WINNER_COLUMNS.map((_, i) => `w.${i + 1}`).join(', ')

/** The same under the names of their columns. */
export const ELECTED_COLUMNS = WINNER_COLUMNS.map((column, i) => `w.${i + 1} AS ${column}`).join(', ')

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
 * what came by mutation is gathered, since only all of an identity together say who owns it.
 */
export const election = (where: string): string => `
    SELECT
      identity, transcripts + length(mutations) = 0 AS is_deleted,
      arraySort(one -> one.1, mutations)[1].2 AS owner,
      if(transcripts > 0, of_transcripts, arraySort(one -> one.3, arrayFilter(one -> one.2 = owner, mutations))[1].4) AS w
    FROM (
      SELECT
        identity,
        countIf(counts AND NOT by_mutation) AS transcripts,
        argMinIf(copy, rank, counts AND NOT by_mutation) AS of_transcripts,
        groupArrayIf((claim, claimant, rank, copy), counts AND by_mutation) AS mutations
      FROM (
        SELECT
          identity, by_mutation, toString(user) AS claimant,
          batch IN (SELECT batch FROM batches FINAL WHERE state = 'published') AS counts,
          (stamp, ${KEY}, if(stamp = 0, position, 0), claimant) AS claim,
          (sidechain, -toInt64(${TOTAL}), time, path, offset, ${KEY}, position, log, batch) AS rank,
          (${VALUES}) AS copy
        FROM copies
        WHERE ${where}
      )
      GROUP BY identity
    )`

const electInto = (table: string, where: string, winners: string): string => `
  INSERT INTO ${table} (identity, seq, is_deleted, ${VALUES})
  SELECT identity, {seq:UInt64}, is_deleted, ${ELECTED}
  FROM (${election(where)})
  WHERE ${winners}
  SETTINGS max_threads = 2, min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 0`

/**
 * Chooses anew for each identity that some batches hold. The rows are one block, so readers see all of them or
 * none. `batches` is an expression for a set of batch numbers.
 */
export const electWinners = (batches: string): string =>
  electInto('winners', `identity IN (SELECT identity FROM copies WHERE batch IN ${batches})`, FENCED)

/** One of `slices` parts of all identities: all of them at once would not fit into memory. */
export const SLICE = 'cityHash64(identity) % {slices:UInt32} = {slice:UInt32}'

/** Winners for the identities of one slice that have none. */
export const electMissingSlice = electInto(
  'winners',
  `${SLICE} AND identity NOT IN (SELECT identity FROM winners FINAL WHERE ${SLICE})`,
  `is_deleted = 0 AND ${FENCED}`,
)

/** The winners of one slice of all published copies, into a table that nobody reads yet. */
export const electSlice = (into: string): string => electInto(into, SLICE, 'is_deleted = 0')
