import { setImmediate as nextTurn } from 'node:timers/promises'

// For work on the event loop that belongs to no caller, or whose caller has the turn already.

/** How long work on one answer may hold the event loop before everybody else has a turn. */
const SLICE_MS = 5

/**
 * To be called before the first item and after each: what it returns, if anything, is to be awaited, and others have
 * their turn.
 */
export type Pace = () => Promise<void> | undefined

/** When paced work began in this turn of the event loop; `undefined` where none has. */
let began: number | undefined

function turnBegan(): number {
  if (began === undefined) {
    began = performance.now()
    setImmediate(() => {
      began = undefined
    })
  }
  return began
}

/**
 * `turn` settles when it is this work's turn again. Works that begin in one turn of the event loop share its time: the
 * fields of an answer begin all at once, and each for itself they would hold up everybody many times as long.
 */
export function createPace(turn?: () => Promise<void>): Pace {
  let since = turnBegan()
  return () => {
    if (performance.now() - since < SLICE_MS) return undefined
    if (turn === undefined)
      return nextTurn().then(() => {
        since = turnBegan()
      })
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
  const before = pace()
  if (before !== undefined) await before
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
