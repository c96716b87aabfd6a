import { type Buckets, bucketLabel, bucketStarts } from '../../src/domain/time-buckets.ts'
import type { Bucket } from './time-buckets-oracle.ts'

/** Puts slots of time into buckets, one by one; empty ones are left out, the earliest comes first. */
export function bucketSlots<Slot extends { start: number }>(
  slots: readonly Slot[],
  granularity: Buckets['granularity'],
  timeZone: string,
): Bucket<Slot>[] {
  const startOf = bucketStarts({ granularity, timeZone })
  const buckets = Map.groupBy(slots, ({ start }) => startOf(start))
  return [...buckets.keys()]
    .sort((a, b) => a - b)
    .map((start) => ({
      start,
      label: bucketLabel(start, { granularity, timeZone }),
      slots: buckets.get(start) as Slot[],
    }))
}

export const HOURS: Buckets = { granularity: 'HOUR', timeZone: 'UTC' }
export const DAYS: Buckets = { granularity: 'DAY', timeZone: 'UTC' }
export const DAYS_OF_BERLIN: Buckets = { granularity: 'DAY', timeZone: 'Europe/Berlin' }
