import type { Retired } from '../../ports/record-store.ts'
import type { Params } from '../database.ts'

/** The condition for the batches that are retired. */
export function retiredBatches(what: Retired): { where: string; params: Params } {
  return 'run' in what
    ? { where: 'run = {run:String}', params: { run: what.run } }
    : { where: 'log IN {logs:Array(String)}', params: { logs: what.logs } }
}

/** Marks batches as ones that count no more. */
export const retireBatches = (where: string): string => `
  INSERT INTO batches (batch, version, state, log, run)
  SELECT batch, {seq:UInt64}, 'retired', log, run FROM batches FINAL WHERE ${where}`
