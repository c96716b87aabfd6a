import { AsyncLocalStorage } from 'node:async_hooks'
import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'

// For work that cannot be interrupted: a statement of the database, a long list that is written out.

/** Runs work of several callers, some at once; the next is for the caller who has had the least time. */
export type InTurn = <T>(caller: string, run: () => Promise<T>) => Promise<T>

export interface TurnsOptions {
  /** How many run at once. */
  atOnce: number
  /** How many of the same caller; absent: as many as run at once. */
  ofOneCaller?: number
  now?: () => number
}

interface Caller {
  /** Milliseconds that it has had, counted from those of the one that had least when it came. */
  usedMs: number
  running: number
  waiting: (() => Promise<void>)[]
}

/**
 * A caller with many or long questions waits for their own questions, not others: whoever has used little time is served
 * as soon as what runs now is done. Throws OVERLOADED where too many questions of one caller wait.
 */
export function createTurns({ atOnce, ofOneCaller = atOnce, now = () => performance.now() }: TurnsOptions): InTurn {
  const callers = new Map<string, Caller>()
  let running = 0

  const leastUsed = (of: Iterable<Caller>): Caller | undefined => {
    let least: Caller | undefined
    for (const caller of of) if (least === undefined || caller.usedMs < least.usedMs) least = caller
    return least
  }

  const callerOf = (name: string): Caller => {
    const present = [...callers.values()].filter(({ running, waiting }) => running > 0 || waiting.length > 0)
    // a caller who comes has used at least as much as the one with the least: idle time is not saved up. What a
    // caller has
    // used is remembered as long as anybody is there
    const usedMs = Math.max(leastUsed(present)?.usedMs ?? 0, callers.get(name)?.usedMs ?? 0)
    const caller = callers.get(name) ?? { usedMs, running: 0, waiting: [] }
    caller.usedMs = caller.running > 0 || caller.waiting.length > 0 ? caller.usedMs : usedMs
    // to the end of the map: of callers who have used equally little, the one who came first is first
    callers.delete(name)
    callers.set(name, caller)
    return caller
  }

  const next = (): void => {
    const mayGoOn = [...callers.values()].filter(({ running, waiting }) => waiting.length > 0 && running < ofOneCaller)
    const caller = running < atOnce ? leastUsed(mayGoOn) : undefined
    const start = caller?.waiting.shift()
    if (caller === undefined || start === undefined) return
    const started = now()
    running++
    caller.running++
    void start().finally(() => {
      running--
      caller.running--
      caller.usedMs += now() - started
      next()
      if (running === 0) callers.clear()
    })
  }

  return (name, run) => {
    const before = callers.get(name)?.waiting.length ?? 0
    if (before >= LIMITS.pendingQuestions.value)
      return Promise.reject(new BridgeError('OVERLOADED', `${before} questions of yours are waiting already`))
    // it is called when others are done, and is no part of what they do
    const mine = AsyncLocalStorage.bind(run)
    return new Promise((resolve, reject) => {
      callerOf(name).waiting.push(() => mine().then(resolve, reject))
      next()
    })
  }
}
