/** Marks all batches of some logs as ones that count no more. */
export const retireBatches = `
  INSERT INTO batches (batch, version, state, log, run)
  SELECT batch, {seq:UInt64}, 'retired', log, run FROM batches FINAL WHERE log IN {logs:Array(String)}`
