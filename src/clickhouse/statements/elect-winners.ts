/**
 * Chooses anew, for each identity that some batches hold, the winner among its published copies, by the rank of
 * rule 8 (`domain/rank.ts`): not by mutation, main chain, the larger total, the earlier time, path, offset. The
 * rows are one block, so readers see all of them or none. `batches` is an expression for a set of batch numbers.
 */
export const electWinners = (batches: string): string => `
  INSERT INTO winners
    (identity, seq, is_deleted, log, position, time, session, project, model, user, host,
     input, output, cache_read, cache_creation_5m, cache_creation_1h, path, offset)
  SELECT
    identity, {seq:UInt64}, is_deleted,
    w.1, w.2, w.3, w.4, w.5, w.6, w.7, w.8, w.9, w.10, w.11, w.12, w.13, w.14, w.15
  FROM (
    SELECT identity, countIf(counts) = 0 AS is_deleted, argMinIf(copy, rank, counts) AS w
    FROM (
      SELECT
        identity,
        batch IN (SELECT batch FROM batches FINAL WHERE state = 'published') AS counts,
        (log, position, time, session, project, model, user, host,
         input, output, cache_read, cache_creation_5m, cache_creation_1h, path, offset) AS copy,
        (by_mutation, sidechain,
         -toInt64(input + output + cache_read + cache_creation_5m + cache_creation_1h), time, path, offset) AS rank
      FROM copies
      WHERE identity IN (SELECT identity FROM copies WHERE batch IN ${batches})
    )
    GROUP BY identity
  )
  SETTINGS max_threads = 2, min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 0`
