/** How long work on one answer may hold the event loop before everybody else has a turn. */
const SLICE_MS = 5

/** Who waits for a turn, by caller; the one whose turn is longest ago is first. */
const waiting = new Map<string, (() => void)[]>()
let scheduled = false

/**
 * A turn of the event loop for one slice of work on an answer. There is one event loop, so there is one queue: each of
 * its turns has one slice, however many answers are worked on, and callers take turns.
 */
export function turnOf(caller: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const mine = waiting.get(caller)
  if (mine === undefined) waiting.set(caller, [resolve])
  else mine.push(resolve)
  schedule()
  return promise
}

function schedule(): void {
  if (scheduled || waiting.size === 0) return
  scheduled = true
  setImmediate(() => {
    scheduled = false
    const [caller, mine] = waiting.entries().next().value as [string, (() => void)[]]
    waiting.delete(caller)
    const next = mine.shift()
    if (mine.length > 0) waiting.set(caller, mine)
    // its work follows in microtasks, before the next turn
    next?.()
    schedule()
  })
}

/**
 * The items, all but the first `size` of them as promises: each `size` of them are kept in a turn of their own, so that
 * whoever works on all of them gives way to others in between.
 */
export function inSlices<T>(items: readonly T[], size: number, caller: string): (T | Promise<T>)[] {
  let turn: Promise<void> | undefined
  return items.map((item, i) => {
    if (i > 0 && i % size === 0) turn = turn === undefined ? turnOf(caller) : turn.then(() => turnOf(caller))
    return turn === undefined ? item : turn.then(() => item)
  })
}

/** What the steps give; every few milliseconds others have their turn. */
export async function collectInSlices<T>(steps: Iterable<T>, caller: string): Promise<T[]> {
  const all: T[] = []
  let since = performance.now()
  for (const step of steps) {
    all.push(step)
    if (performance.now() - since > SLICE_MS) {
      await turnOf(caller)
      since = performance.now()
    }
  }
  return all
}
