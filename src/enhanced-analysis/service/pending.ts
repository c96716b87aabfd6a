import { BridgeError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'

/** The calls that wait for an answer: bounded for each caller, and rejected when nobody will answer any more. */
export interface Pending {
  /** Rejects with OVERLOADED, without calling, where the caller has too many that wait. */
  bounded<T>(caller: string, call: () => Promise<T>): Promise<T>
  unbounded<T>(caller: string, call: () => Promise<T>): Promise<T>
  rejectAll(error: Error): void
  size(): number
}

/** Questions of one caller that wait; more are refused at once. */
const MAX_PENDING = LIMITS.pendingQuestions.value

export function createPending(): Pending {
  const waiting = new Set<{ caller: string; reject: (error: Error) => void }>()

  const unbounded = <T>(caller: string, call: () => Promise<T>): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const one = { caller, reject }
    waiting.add(one)
    const done = (): void => void waiting.delete(one)
    call().then(
      (answer) => {
        done()
        resolve(answer)
      },
      (error: Error) => {
        done()
        reject(error)
      },
    )
    return promise
  }

  const countOf = (caller: string): number => {
    let count = 0
    for (const one of waiting) if (one.caller === caller) count++
    return count
  }

  return {
    unbounded,
    bounded(caller, call) {
      if (countOf(caller) < MAX_PENDING) return unbounded(caller, call)
      return Promise.reject(new BridgeError('OVERLOADED', `${MAX_PENDING} questions of yours are waiting already`))
    },
    size: () => waiting.size,
    rejectAll(error) {
      for (const { reject } of waiting) reject(error)
      waiting.clear()
    },
  }
}
