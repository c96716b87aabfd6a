import type { Work } from '../domain/work.ts'
import { createPace, eachGivingWay } from './pace.ts'
import { createRoundRobin } from './round-robin.ts'

// For work of callers on the server's event loop, which is interrupted and goes on in the caller's next turn.

/** Who waits for a turn. */
const waiting = createRoundRobin<() => void>()
let scheduled = false
/** Slices of one turn of the event loop take this long together, and the last one its own time. */
const TURN_MS = 5
/** When the slices of the last turn had ended; and whether a connection was made in this one. */
let lastEnded = 0
let hasConnection = false

/**
 * A turn for one slice of work for a caller: the beginning of a request, or some of a long answer. There is one event
 * loop, so there is one queue, and callers take turns. Short slices share a turn of the loop; after some milliseconds
 * what has arrived meanwhile is looked at before the next one, so that a flood of requests delays nobody else's.
 */
export function turnOf(caller: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  waiting.add(caller, resolve)
  schedule()
  return promise
}

/**
 * A connection was made. Node takes one in each turn of the event loop, so others probably wait behind it: they are
 * taken before the next slice, for as long as slices may take. Else a thousand connections at once would wait for a
 * thousand slices, and a health check behind them all.
 */
export function noteConnection(): void {
  hasConnection = true
}

function schedule(): void {
  if (scheduled) return
  scheduled = true
  setImmediate(takeTurn)
}

function takeTurn(): void {
  const now = performance.now()
  const waits = hasConnection && now - lastEnded < TURN_MS
  hasConnection = false
  if (waits) setImmediate(takeTurn)
  else slice(now)
}

function slice(turnBegan: number): void {
  const next = waiting.next()
  if (next === undefined) {
    scheduled = false
    lastEnded = performance.now()
    return
  }
  next()
  // its work follows in microtasks; a tick that is asked for in one of them comes after them all
  queueMicrotask(() => process.nextTick(afterSlice, turnBegan))
}

function afterSlice(turnBegan: number): void {
  if (performance.now() - turnBegan < TURN_MS) return slice(turnBegan)
  lastEnded = performance.now()
  setImmediate(takeTurn)
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

/** Settles when the work that asks for it may go on. */
export type Turn = () => Promise<void>

/** Work that several callers wait for: it goes on with the first turn that one of them has. */
export interface SharedTurns {
  turn: Turn
  /** Somebody else waits for it, too. */
  join(caller: string): void
}

export function createSharedTurns(first: string): SharedTurns {
  const callers = new Set([first])
  let goOn: (() => void) | undefined
  const askFor = (caller: string): void => {
    const due = goOn
    // where it went on with somebody else's turn, this one is of no use, and short
    void turnOf(caller).then(due)
  }
  return {
    turn() {
      const { promise, resolve } = Promise.withResolvers<void>()
      goOn = resolve
      callers.forEach(askFor)
      return promise.then(() => {
        goOn = undefined
      })
    },
    join(caller) {
      if (callers.has(caller)) return
      callers.add(caller)
      if (goOn !== undefined) askFor(caller)
    },
  }
}

/** What the steps give; every few milliseconds others have their turn. */
export async function collectInSlices<T>(steps: Iterable<T>, turn: Turn): Promise<T[]> {
  const all: T[] = []
  await eachGivingWay(steps, (step) => all.push(step), createPace(turn))
  return all
}

/** What work gives; every few milliseconds others have their turn. Nothing that it reads may change meanwhile. */
export async function finishInSlices<T>(work: Work<T>, turn: Turn): Promise<T> {
  const pace = createPace(turn)
  for (;;) {
    const pause = pace()
    if (pause !== undefined) await pause
    const step = work.next()
    if (step.done === true) return step.value
  }
}
