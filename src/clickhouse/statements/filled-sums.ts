import { z } from 'zod'
import { FENCED } from './fence.ts'
import { WINNERS_SUMMED } from './sums.ts'
import { WINNERS_BY_TIME } from './winners-by-time.ts'

/** After every slot that there can be. */
export const END_OF_SLOTS = 4_294_967_295

/** How far the winners by time, and their sums, have everything. */
const ROW = z.object({
  form: z.string(),
  slices: z.number(),
  filled: z.number(),
  summed_to: z.number(),
})
export type Filled = z.infer<typeof ROW>

export const filledSums = {
  name: 'filled-sums' as const,
  sql: 'SELECT form, slices, filled, summed_to FROM winners_filled ORDER BY version DESC LIMIT 1',
  row: ROW,
}

export const NOTE_FILLED = `
  INSERT INTO winners_filled (version, form, slices, filled, summed_to)
  SELECT {seq:UInt64}, {form:String}, {slices:UInt32}, {filled:UInt32}, {summed_to:UInt32}
  WHERE ${FENCED}`

/** The slot of the record that comes so many records after the beginning of a slot. */
export const slotAfter = (byTime: string) => ({
  name: 'slot-after' as const,
  sql: `SELECT slot FROM ${byTime} WHERE slot >= {from:UInt32} ORDER BY slot LIMIT 1 OFFSET {records:UInt64}`,
  row: z.object({ slot: z.number() }),
})

export const countWinners = (table: string) => ({
  name: 'count-winners' as const,
  sql: `SELECT count() AS winners FROM ${table}`,
  row: z.object({ winners: z.string().transform(Number) }),
})

/** Whether whatever was published last, was published to all three tables, by a release that knows of them. */
export const sumsAreTold = {
  name: 'sums-are-told' as const,
  sql: `
    SELECT toUInt8(
      (SELECT max(seq) FROM winners)
      <= greatest((SELECT max(seq) FROM ${WINNERS_BY_TIME}), (SELECT max(version) FROM winners_filled))) AS same`,
  row: z.object({ same: z.number() }),
}

/** Whether all three have as many records: a few columns are read. */
export const sumsAreLevel = {
  name: 'sums-are-level' as const,
  sql: `
    SELECT toUInt8(length(arrayDistinct([
      (SELECT count() FROM winners FINAL),
      (SELECT count() FROM ${WINNERS_BY_TIME} FINAL),
      (SELECT sum(records) FROM ${WINNERS_SUMMED} FINAL)])) = 1) AS same`,
  row: z.object({ same: z.number() }),
}
