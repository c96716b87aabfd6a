import { LRUCache } from 'lru-cache'
import { type Buckets, bucketStarts, type Granularity } from '../../domain/time-buckets.ts'
import { SLOT_MS, type TokenFilter } from '../../domain/token-query.ts'

/** Slots within these years are put together in SQL: nearly all that is asked for. Before and after they stay apart. */
const YEARS_BACK = 3
const YEARS_AHEAD = 1
/**
 * Not hours: their list of numbers would be as long as the years have hours. They are put together as they are read, but
 * in a short range.
 */
const IN_SQL: Record<Granularity, boolean> = { HOUR: false, DAY: true, WEEK: true, MONTH: true }
/** Some forty days. */
const MAX_HOURS = 1000
const HOUR_MS = 3_600_000
const MAX_KEPT_BYTES = 1 << 20

const kept = new LRUCache<string, readonly number[]>({
  maxSize: MAX_KEPT_BYTES,
  sizeCalculation: (edges, key) => key.length + edges.length * 8,
})

/**
 * SQL for the first of the slots that are in the same bucket as `slot`, as far as that is known: an answer about days
 * has a row for each day. Clocks are those of the domain, so that there is no second database of time zones.
 */
export function bucketSlotSql(buckets: Buckets, range: Pick<TokenFilter, 'from' | 'to'>): string {
  const edges = IN_SQL[buckets.granularity] ? bucketEdges(buckets) : hourEdges(buckets, range)
  if (edges === undefined) return 'slot'
  return `if(slot >= ${edges[0]} AND slot < ${edges.at(-1)}, roundDown(slot, [${edges.join(', ')}]), slot)`
}

/** The slots in which another bucket begins, in order, from the first of the years to the one after their last. */
export function bucketEdges(buckets: Buckets, year = new Date().getUTCFullYear()): readonly number[] {
  const [first, end] = [Date.UTC(year - YEARS_BACK, 0, 1), Date.UTC(year + YEARS_AHEAD + 1, 0, 1)]
  return edgesBetween(buckets, first / SLOT_MS, end / SLOT_MS)
}

/** The same of the slots of a range, if it is short. */
function hourEdges(buckets: Buckets, { from, to }: Pick<TokenFilter, 'from' | 'to'>): readonly number[] | undefined {
  if (from === undefined || to === undefined || !(to > from && to - from <= MAX_HOURS * HOUR_MS)) return undefined
  return edgesBetween(buckets, Math.floor(from / SLOT_MS), Math.ceil(to / SLOT_MS))
}

function edgesBetween(buckets: Buckets, first: number, end: number): readonly number[] {
  const key = `${buckets.granularity} ${buckets.timeZone} ${first} ${end}`
  const known = kept.get(key)
  if (known !== undefined) return known
  const startOf = bucketStarts(buckets)
  const edges = [first]
  let start = startOf(first * SLOT_MS)
  for (let slot = first + 1; slot < end; slot++) {
    const next = startOf(slot * SLOT_MS)
    if (next !== start) edges.push(slot)
    start = next
  }
  edges.push(end)
  kept.set(key, edges)
  return edges
}
