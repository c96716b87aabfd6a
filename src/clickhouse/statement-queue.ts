import { BridgeError } from '../domain/errors.ts'

/** One statement after the other. */
export interface StatementQueue {
  /** Runs a statement that takes about so many bytes. */
  run<T>(bytes: number, statement: () => Promise<T>): Promise<T>
  /** Settles when all that were asked for so far are done. */
  whenDone(): Promise<unknown>
}

/**
 * Up to `maxBytes` of statements are held, the one that runs included; more are refused at once (OVERLOADED), except
 * where nothing else is held.
 */
export function createStatementQueue(maxBytes: number): StatementQueue {
  let last: Promise<unknown> = Promise.resolve()
  let held = 0
  return {
    run(bytes, statement) {
      if (held > 0 && held + bytes > maxBytes)
        return Promise.reject(new BridgeError('OVERLOADED', `${held} bytes of statements are waiting already`))
      held += bytes
      const result = last.then(statement).finally(() => {
        held -= bytes
      })
      last = result.catch(() => undefined)
      return result
    },
    whenDone: () => last,
  }
}
