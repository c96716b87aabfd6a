import { FENCED } from './fence.ts'
import { TOTAL, WINNER_COLUMNS } from './record-sql.ts'

const VALUES = WINNER_COLUMNS.join(', ')

/** What `election` gives of each winner. */
export const ELECTED = WINNER_COLUMNS.map((_, i) => `w.${i + 1}`).join(', ')

const PUBLISHED = "batch IN (SELECT batch FROM batches FINAL WHERE state = 'published')"
/** The segment of the journal that a copy stands in, whichever ledger shipped it, in whichever edition. */
const SEGMENT = "extract(log, '/(.*)#')"

/**
 * Who brought in some copies by mutation and does not own their identities (`isClaimedBefore` of `domain/rank.ts`): the
 * user whose first copy was there first does, by stamp, segment and user, as in memory; of copies without a stamp by
 * their place. Most identities are of one user alone, and are left out before anything is compared.
 */
const notOwning = (where: string): string => `
        SELECT identity, arrayJoin(arrayFilter(one -> one != owner, users)) FROM (
          SELECT
            identity,
            argMin(toString(user), (stamp, ${SEGMENT}, if(stamp = 0, position, 0), user)) AS owner,
            groupUniqArray(toString(user)) AS users
          FROM copies
          WHERE by_mutation AND ${PUBLISHED} AND ${where} AND identity IN (
            SELECT identity FROM copies WHERE by_mutation AND ${where}
            GROUP BY identity HAVING min(user) != max(user))
          GROUP BY identity)`

/**
 * Of each identity of some copies, the winner among those that are published, by rule 8 (`domain/rank.ts`): of what came
 * by mutation the owner's copies take part; then not by mutation, main chain, the larger total, the earlier time, path,
 * offset (and then by log and batch, so that of equal copies it is always the same one). As `identity, is_deleted, w`,
 * where `is_deleted` says that none is published. `where` selects the copies.
 */
export const election = (where: string): string => `
    SELECT identity, countIf(counts) = 0 AS is_deleted, argMinIf(copy, rank, counts AND takes_part) AS w
    FROM (
      SELECT
        identity,
        ${PUBLISHED} AS counts,
        NOT (by_mutation AND (identity, toString(user)) IN (${notOwning(where)})) AS takes_part,
        (${VALUES}) AS copy,
        (by_mutation, sidechain,
         -toInt64(${TOTAL}), time, path, offset, log, batch) AS rank
      FROM copies
      WHERE ${where}
    )
    GROUP BY identity`

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
