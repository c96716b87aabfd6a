import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { createRoundRobin } from './round-robin.ts'

// For work that cannot be interrupted: a statement of the database, a long list that is written out.

/** Runs work of several callers, some at once; the next is for the caller whose turn is longest ago. */
export type InTurn = <T>(caller: string, run: () => Promise<T>) => Promise<T>

/** A caller with many questions waits behind itself. Throws OVERLOADED where too many of one caller wait already. */
export function createTurns(atOnce: number): InTurn {
  const waiting = createRoundRobin<() => Promise<void>>()
  let running = 0

  const next = (): void => {
    const start = running < atOnce ? waiting.next() : undefined
    if (start === undefined) return
    running++
    void start().finally(() => {
      running--
      next()
    })
  }

  return (caller, run) => {
    const before = waiting.waitingOf(caller)
    if (before >= LIMITS.pendingQuestions.value)
      return Promise.reject(new BridgeError('OVERLOADED', `${before} questions of yours are waiting already`))
    return new Promise((resolve, reject) => {
      waiting.add(caller, () => run().then(resolve, reject))
      next()
    })
  }
}
