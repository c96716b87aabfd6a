import type { Work } from '../domain/work.ts'

// For a thread of its own, where work must see no change and slices differ in length: it shares time, not turns.

/**
 * Shares one thread among callers. Work is done in slices, and the next slice is for the caller that has had the
 * least time; of one caller, one thing after the other. Whatever is asked for after a change sees it. Work that is of
 * the moment of its first step goes on while things change. Other work sees no change to its end: changes wait for it,
 * and while one waits nothing begins.
 */
export interface FairTurns {
  /** Asks for work. One of `onDone` and `onFailed` hears of its end, before anything changes. */
  ask<T>(
    caller: string,
    begin: () => Work<T>,
    onDone: (result: T) => void,
    onFailed: (error: unknown) => void,
    kind?: { ofItsMoment: boolean },
  ): void
  /** Applies a change: now, or as soon as no work has begun that must not see it. In the order of the calls. */
  change<T>(apply: () => T): Promise<T>
  /** Nothing of what waits, or is asked for later, is done any more. */
  close(): void
}

export interface FairTurnsOptions {
  /** Length of a slice. */
  sliceMs?: number
  now?: () => number
  /** Runs the next slice after whatever has come in meanwhile. */
  later?: (slice: () => void) => void
}

/** Long against what a turn costs, short against what anybody notices. */
const SLICE_MS = 10

interface Asked {
  begin: () => Work<unknown>
  onDone: (result: never) => void
  onFailed: (error: unknown) => void
  ofItsMoment: boolean
}

interface Caller {
  /** Milliseconds that it has had, counted from those of the one that had least when it came. */
  usedMs: number
  waiting: Asked[]
  begun: { work: Work<unknown>; asked: Asked } | undefined
}

export function createFairTurns(options: FairTurnsOptions = {}): FairTurns {
  const { sliceMs = SLICE_MS, now = () => performance.now(), later = (slice) => void setImmediate(slice) } = options
  /** Those who have asked for something that is not done. */
  const callers = new Map<string, Caller>()
  const changes = createChanges()
  /** Work that must see no change. */
  let holding = 0
  let scheduled = false
  let closed = false

  const schedule = (): void => {
    if (scheduled || closed || callers.size === 0) return
    scheduled = true
    later(takeTurn)
  }
  const takeTurn = (): void => {
    scheduled = false
    if (closed) return
    const turn = leastServed(callers, !changes.areWaiting())
    if (turn !== undefined) slice(...turn)
    schedule()
  }
  const slice = (name: string, caller: Caller): void => {
    const started = now()
    const asked = caller.begun?.asked ?? (caller.waiting.shift() as Asked)
    if (caller.begun === undefined && !asked.ofItsMoment) holding++
    const end = advance(caller, asked, () => now() - started < sliceMs)
    caller.usedMs += now() - started
    if (end === undefined) return
    end()
    if (!asked.ofItsMoment) holding--
    caller.begun = undefined
    if (caller.waiting.length === 0) callers.delete(name)
    if (holding === 0) changes.apply()
  }

  return {
    ask(name, begin, onDone, onFailed, { ofItsMoment } = { ofItsMoment: false }) {
      const asked: Asked = { begin, onDone, onFailed, ofItsMoment }
      const known = callers.get(name)
      if (known !== undefined) known.waiting.push(asked)
      // a caller who comes has used as much as the one with the least: idle time is not saved up
      else callers.set(name, { usedMs: leastUsedMs(callers), waiting: [asked], begun: undefined })
      schedule()
    },
    change(apply) {
      const done = changes.add(apply)
      if (holding === 0 && !closed) changes.apply()
      return done
    },
    close() {
      closed = true
      changes.forget()
      callers.clear()
    },
  }
}

const leastUsedMs = (callers: ReadonlyMap<string, Caller>): number =>
  callers.size === 0 ? 0 : Math.min(...[...callers.values()].map(({ usedMs }) => usedMs))

/** The one who has had least of those that can go on, or begin, if anything may. */
function leastServed(callers: ReadonlyMap<string, Caller>, mayBegin: boolean): [string, Caller] | undefined {
  let least: [string, Caller] | undefined
  for (const entry of callers) {
    const [, caller] = entry
    if (caller.begun === undefined && !mayBegin) continue
    if (least === undefined || caller.usedMs < least[1].usedMs) least = entry
  }
  return least
}

/** Works on what a caller has asked for while there is time. Where it is at its end, returns the call that says so. */
function advance(caller: Caller, asked: Asked, hasTime: () => boolean): (() => void) | undefined {
  try {
    caller.begun ??= { work: asked.begin(), asked }
    const { work } = caller.begun
    while (hasTime()) {
      const step = work.next()
      if (step.done === true) return () => asked.onDone(step.value as never)
    }
    return undefined
  } catch (error) {
    return () => asked.onFailed(error)
  }
}

/** Changes that wait until the work that has begun, and must not see them, is done. */
function createChanges() {
  let waiting: (() => void)[] = []
  return {
    areWaiting: () => waiting.length > 0,
    add<T>(apply: () => T): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<T>()
      waiting.push(() => {
        try {
          resolve(apply())
        } catch (error) {
          reject(error as Error)
        }
      })
      return promise
    },
    apply(): void {
      const due = waiting
      waiting = []
      for (const apply of due) apply()
    },
    forget(): void {
      waiting = []
    },
  }
}
