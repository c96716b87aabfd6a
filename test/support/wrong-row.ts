/** One row of what readers count, altered past the bridge: by one token, in everything that answers are made of. */
export const WRONG_ROW = `INSERT INTO winners_summed
  SELECT slot, session, project, user, host, branch, sidechain, model, tier, seq + 1000000, 0,
    input + 1, output, cache_read, cache_creation_5m, cache_creation_1h, records, first_in_slot, last_in_slot, path, offset
  FROM winners_summed FINAL ORDER BY slot LIMIT 1`
