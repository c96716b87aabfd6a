import { setImmediate as nextTurn } from 'node:timers/promises'

/** How long work on one answer may hold the event loop before everybody else has a turn. */
const SLICE_MS = 5

/** The items, one after the other; whoever takes them gives way to others every few milliseconds. */
export async function* inSlices<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  let since = performance.now()
  for (const item of items) {
    if (performance.now() - since > SLICE_MS) {
      await nextTurn()
      since = performance.now()
    }
    yield item
  }
}

/** What the steps give; between them others have their turns. */
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
