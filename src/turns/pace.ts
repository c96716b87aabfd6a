import { setImmediate } from 'node:timers/promises'

// For work on the event loop that belongs to no caller, or whose caller has the turn already.

/** How long work on one answer may hold the event loop before everybody else has a turn. */
const SLICE_MS = 5

/** To be called after each item: what it returns, if anything, is to be awaited, and others have their turn. */
export type Pace = () => Promise<void> | undefined

/** `turn` settles when it is this work's turn again. */
export function createPace(turn: () => Promise<void> = () => setImmediate()): Pace {
  let since = performance.now()
  return () => {
    if (performance.now() - since < SLICE_MS) return undefined
    return turn().then(() => {
      since = performance.now()
    })
  }
}

/** Does something with each item; others have their turns in between. */
export async function eachGivingWay<T>(
  items: Iterable<T>,
  use: (item: T) => void,
  pace: Pace = createPace(),
): Promise<void> {
  for (const item of items) {
    use(item)
    const pause = pace()
    if (pause !== undefined) await pause
  }
}

/** What is made of each item, in the same way. */
export async function mapGivingWay<T, U>(items: Iterable<T>, make: (item: T) => U): Promise<U[]> {
  const made: U[] = []
  await eachGivingWay(items, (item) => made.push(make(item)))
  return made
}
