import { isBridgeError } from '../domain/errors.ts'
import type { Logger } from './logger.ts'

/** Logs that something fails, and that it works again: each once, however often it is tried. */
export interface TroubleLog {
  failed(error: unknown): void
  over(): void
}

/**
 * `failing` and `working` are what is logged. The same trouble again is a matter for debugging. What is told to callers
 * is no mistake of the program, and has no stack.
 */
export function createTroubleLog(logger: Logger, failing: string, working: string, more: object = {}): TroubleLog {
  let told: string | undefined
  return {
    failed(error) {
      const problem = (error as Error).message
      const detail = isTold(error) ? { ...more, problem } : { ...more, err: error }
      logger[problem === told ? 'debug' : 'warn'](detail, failing)
      told = problem
    },
    over() {
      if (told !== undefined) logger.info(more, working)
      told = undefined
    },
  }
}

/** By its code, as far as it is one of those that callers are told. */
const isTold = (error: unknown): boolean => isBridgeError(error)
