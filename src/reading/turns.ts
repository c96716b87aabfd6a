import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'

/** Runs work of several callers, some at once; the next is for the caller whose turn is longest ago. */
export type InTurn = <T>(caller: string, run: () => Promise<T>) => Promise<T>

/**
 * For an engine that does one thing after the other and cannot be interrupted: a caller with many questions waits
 * behind itself. Throws OVERLOADED where too many of one caller wait already.
 */
export function createTurns(atOnce: number): InTurn {
  /** Those who wait; whoever has had a turn goes to the end. */
  const waiting = new Map<string, (() => Promise<void>)[]>()
  let running = 0

  const next = (): void => {
    const first = waiting.entries().next().value
    if (first === undefined || running >= atOnce) return
    const [caller, queue] = first
    const start = queue.shift() as () => Promise<void>
    waiting.delete(caller)
    if (queue.length > 0) waiting.set(caller, queue)
    running++
    void start().finally(() => {
      running--
      next()
    })
  }

  return (caller, run) => {
    const queue = waiting.get(caller) ?? []
    if (queue.length >= LIMITS.pendingQuestions.value)
      return Promise.reject(new BridgeError('OVERLOADED', `${queue.length} questions of yours are waiting already`))
    return new Promise((resolve, reject) => {
      queue.push(() => run().then(resolve, reject))
      waiting.set(caller, queue)
      next()
    })
  }
}
