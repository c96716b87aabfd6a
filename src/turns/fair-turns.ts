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
  let changes: (() => void)[] = []
  /** Work that must see no change. */
  let holding = 0
  let scheduled = false
  let closed = false

  const applyChanges = (): void => {
    const waiting = changes
    changes = []
    for (const apply of waiting) apply()
  }

  const schedule = (): void => {
    if (scheduled || closed || callers.size === 0) return
    scheduled = true
    later(takeTurn)
  }

  /** The one who has had least of those that can go on, or begin. */
  const next = (): [string, Caller] | undefined => {
    let least: [string, Caller] | undefined
    for (const entry of callers) {
      const [, caller] = entry
      if (caller.begun === undefined && changes.length > 0) continue
      if (least === undefined || caller.usedMs < least[1].usedMs) least = entry
    }
    return least
  }

  const takeTurn = (): void => {
    scheduled = false
    if (closed) return
    const turn = next()
    if (turn !== undefined) slice(...turn)
    schedule()
  }

  const slice = (name: string, caller: Caller): void => {
    const started = now()
    const asked = caller.begun?.asked ?? (caller.waiting.shift() as Asked)
    let end: (() => void) | undefined
    try {
      if (caller.begun === undefined) {
        caller.begun = { work: asked.begin(), asked }
        if (!asked.ofItsMoment) holding++
      }
      const { work } = caller.begun
      while (end === undefined && now() - started < sliceMs) {
        const step = work.next()
        if (step.done === true) end = () => asked.onDone(step.value as never)
      }
    } catch (error) {
      end = () => asked.onFailed(error)
    }
    caller.usedMs += now() - started
    if (end === undefined) return
    end()
    if (caller.begun !== undefined && !asked.ofItsMoment) holding--
    caller.begun = undefined
    if (caller.waiting.length === 0) callers.delete(name)
    if (holding === 0) applyChanges()
  }

  return {
    ask(name, begin, onDone, onFailed, { ofItsMoment } = { ofItsMoment: false }) {
      const asked: Asked = { begin, onDone, onFailed, ofItsMoment }
      const known = callers.get(name)
      if (known !== undefined) known.waiting.push(asked)
      else {
        // time that nobody wanted is not saved up
        const usedMs = callers.size === 0 ? 0 : Math.min(...[...callers.values()].map((caller) => caller.usedMs))
        callers.set(name, { usedMs, waiting: [asked], begun: undefined })
      }
      schedule()
    },
    change(apply) {
      return new Promise((resolve, reject) => {
        changes.push(() => {
          try {
            resolve(apply())
          } catch (error) {
            reject(error as Error)
          }
        })
        if (holding === 0 && !closed) applyChanges()
      })
    },
    close() {
      closed = true
      changes = []
      callers.clear()
    },
  }
}
