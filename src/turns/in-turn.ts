import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { createRoundRobin } from './round-robin.ts'

// For work that cannot be interrupted: a statement of the database, a long list that is written out.

/** Runs work of several callers, some at once; the next is for the caller whose turn is longest ago. */
export type InTurn = <T>(caller: string, run: () => Promise<T>) => Promise<T>

/**
 * `atOnce` run at once, `ofOneCaller` of the same caller: one with many questions waits behind itself. Throws OVERLOADED
 * where too many of one caller wait already.
 */
export function createTurns(atOnce: number, ofOneCaller = atOnce): InTurn {
  const waiting = createRoundRobin<() => Promise<void>>()
  const runningOf = new Map<string, number>()
  let running = 0

  const countUp = (caller: string, by: 1 | -1): void => {
    running += by
    const own = (runningOf.get(caller) ?? 0) + by
    if (own === 0) runningOf.delete(caller)
    else runningOf.set(caller, own)
  }

  const next = (): void => {
    const mayGoOn = (caller: string): boolean => (runningOf.get(caller) ?? 0) < ofOneCaller
    const start = running < atOnce ? waiting.next(mayGoOn) : undefined
    if (start !== undefined) void start()
  }

  return (caller, run) => {
    const before = waiting.waitingOf(caller)
    if (before >= LIMITS.pendingQuestions.value)
      return Promise.reject(new BridgeError('OVERLOADED', `${before} questions of yours are waiting already`))
    return new Promise((resolve, reject) => {
      waiting.add(caller, async () => {
        countUp(caller, 1)
        try {
          await run().then(resolve, reject)
        } finally {
          countUp(caller, -1)
          next()
        }
      })
      next()
    })
  }
}
