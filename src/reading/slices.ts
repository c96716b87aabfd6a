import { setImmediate as nextTurn } from 'node:timers/promises'

/** How long work on one answer may hold the event loop before everybody else has a turn. */
const SLICE_MS = 5

/**
 * The items, all but the first `size` of them as promises: each `size` of them are kept in a turn of their own, so that
 * whoever works on all of them gives way to others in between.
 */
export function inSlices<T>(items: readonly T[], size: number): (T | Promise<T>)[] {
  let turn: Promise<unknown> | undefined
  return items.map((item, i) => {
    if (i > 0 && i % size === 0) turn = turn === undefined ? nextTurn() : turn.then(() => nextTurn())
    return turn === undefined ? item : turn.then(() => item)
  })
}

/** What the steps give; every few milliseconds others have their turn. */
export async function collectInSlices<T>(steps: Iterable<T>): Promise<T[]> {
  const all: T[] = []
  let since = performance.now()
  for (const step of steps) {
    all.push(step)
    if (performance.now() - since > SLICE_MS) {
      await nextTurn()
      since = performance.now()
    }
  }
  return all
}
