import type { Work } from '../domain/work.ts'
import { createPace, eachGivingWay } from './pace.ts'
import { createRoundRobin } from './round-robin.ts'

// For work of callers on the server's event loop, which is interrupted and goes on in the caller's next turn.

/** Who waits for a turn. */
const waiting = createRoundRobin<() => void>()
let scheduled = false

/**
 * A turn of the event loop for one slice of work on an answer. There is one event loop, so there is one queue: each of
 * its turns has one slice, however many answers are worked on, and callers take turns.
 */
export function turnOf(caller: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  waiting.add(caller, resolve)
  schedule()
  return promise
}

function schedule(): void {
  if (scheduled) return
  scheduled = true
  setImmediate(() => {
    scheduled = false
    const next = waiting.next()
    if (next === undefined) return
    // its work follows in microtasks, before the next turn
    next()
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
  await eachGivingWay(steps, (step) => all.push(step), paceOf(caller))
  return all
}

/** What work gives; every few milliseconds others have their turn. Nothing that it reads may change meanwhile. */
export async function finishInSlices<T>(work: Work<T>, caller: string): Promise<T> {
  const pace = paceOf(caller)
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    const pause = pace()
    if (pause !== undefined) await pause
  }
}

const paceOf = (caller: string) => createPace(() => turnOf(caller))
