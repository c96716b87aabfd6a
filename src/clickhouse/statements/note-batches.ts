import { FENCED } from './fence.ts'

/** Batches count from now on. `batches` and the others are arrays of the same length. */
export const noteBatches = `
  INSERT INTO batches (batch, version, state, log, run, records, tokens, first_position, last_position, digest)
  SELECT t.1, {seq:UInt64}, 'published', t.2, t.3, t.4, t.5, t.6, t.7, t.8
  FROM (SELECT arrayJoin(arrayZip(
    {batches:Array(UInt64)}, {logs:Array(String)}, {runs:Array(String)}, {records:Array(UInt32)},
    {tokens:Array(UInt64)}, {first:Array(UInt64)}, {last:Array(UInt64)}, {digests:Array(String)})) AS t)
  WHERE ${FENCED}`
