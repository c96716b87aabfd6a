import type { Database } from './database.ts'
import { END_OF_SLOTS, slotAfter } from './statements/filled-sums.ts'
import { countCopies } from './statements/rebuild-winners.ts'

/** Copies whose winners are chosen in one statement: some hundred bytes each in memory. */
const SLICE_COPIES = 2_000_000

/** In how many parts the winners of all copies are chosen. */
export async function sliceCount(db: Database): Promise<number> {
  const [counted] = await db.query(countCopies)
  return slicesFor(counted?.copies ?? 0, SLICE_COPIES)
}

export const slicesFor = (rows: number, rowsOfOne: number): number => Math.max(1, Math.ceil(rows / rowsOfOne))

/** What says to a statement (`SLICE`) which part of all identities it is about: a range of them, by their order. */
export interface IdentitySlice {
  slice: number
  slices: number
  low: string
  high: string
}

/** Identities are digests, so parts of the same width have about as many. */
export const identitySlice = (slice: number, slices: number): IdentitySlice => ({
  slice,
  slices,
  low: edgeAt(slice, slices),
  high: edgeAt(slice + 1, slices),
})

export const identitySlices = (slices: number): IdentitySlice[] =>
  Array.from({ length: slices }, (_, slice) => identitySlice(slice, slices))

/** Both halves are the same number: ClickHouse compares the second one first, and may do otherwise one day. */
function edgeAt(slice: number, slices: number): string {
  const half = (((BigInt(slice) << 64n) / BigInt(slices)) % (1n << 64n)).toString(16).padStart(16, '0')
  return (half + half).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

export interface SlotRange {
  from: number
  to: number
}

/** The next slots, from one on: those of about so many winners, one slot at least. */
export async function nextSlots(db: Database, byTime: string, from: number, records: number): Promise<SlotRange> {
  const [found] = await db.query(slotAfter(byTime), { from, records })
  return { from, to: found === undefined ? END_OF_SLOTS : Math.max(from + 1, found.slot) }
}

/** All slots, in parts whose winners can be summed at once. */
export async function* slotRanges(db: Database, byTime: string, records: number): AsyncGenerator<SlotRange> {
  for (let from = 0; from < END_OF_SLOTS; ) {
    const range = await nextSlots(db, byTime, from, records)
    yield range
    from = range.to
  }
}
