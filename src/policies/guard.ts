import {
  BrokenCircuitError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  type Policy as Handled,
  halfJitterGenerator,
  handleWhen,
  isBrokenCircuitError,
  isBulkheadRejectedError,
  isTaskCancelledError,
  retry,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel'
import { BridgeError } from '../domain/errors.ts'
import { type BreakerState, tellMeasured } from '../ports/measured.ts'
import { BETWEEN_ATTEMPTS, type Breaker, type CallKind, type Policy, type Waits } from './policies.ts'

/** One attempt of a call. */
export interface Attempt {
  /** Aborted at the deadline: whoever makes the call ends it then. */
  signal: AbortSignal
  /** Milliseconds until the deadline. */
  leftMs: number
}

export interface CallOptions {
  /** The same may be done twice, or once too often. */
  repeatable?: boolean
  /** Whoever called does not want it any more. */
  signal?: AbortSignal
}

/** Makes calls of one kind as their policy says. */
export interface Guard {
  /**
   * Throws what the last attempt threw; at once SOURCE_UNAVAILABLE while the breaker is open, and OVERLOADED where as
   * many calls wait as may.
   */
  run<T>(call: (attempt: Attempt) => Promise<T>, options?: CallOptions): Promise<T>
  /** Calls that are on their way. */
  running(): number
  /** Calls since the start that were refused, as too many were on their way or waited. */
  refused(): number
  /** The breaker is open, and trial calls are not due yet. */
  isOpen(): boolean
}

/**
 * `isAway`: whether an error says that the dependency is away; any other says something of the call. `kind`: as whose the
 * state of the breaker is told; absent: it is not.
 */
export function createGuard(name: string, policy: Policy, isAway: (error: unknown) => boolean, kind?: CallKind): Guard {
  const away = handleWhen(isAway)
  const within = timeout(policy.deadlineMs, { strategy: TimeoutStrategy.Cooperative, abortOnReturn: false })
  const limited = bulkhead(policy.atOnce, policy.waiting)
  const again = retry(away, { maxAttempts: policy.attempts - 1, backoff: createBackOff(BETWEEN_ATTEMPTS) })
  const once = wrap(within, limited)
  const repeatedly = wrap(within, again, limited)
  const breaker = createBreaker(policy.breaker, away, (state) => {
    if (kind !== undefined) tellMeasured('breaker', { of: kind, state })
  })
  let refused = 0
  return {
    async run(call, { repeatable = false, signal: wanted } = {}) {
      const startedAt = performance.now()
      const leftMs = (): number => policy.deadlineMs - (performance.now() - startedAt)
      try {
        return await (repeatable ? repeatedly : once).execute(
          ({ signal }) => breaker.execute(() => call({ signal, leftMs: leftMs() })),
          wanted,
        )
      } catch (error) {
        if (isBulkheadRejectedError(error)) refused++
        throw toldAs(name, policy, error)
      }
    },
    running: () => policy.atOnce - limited.executionSlots,
    refused: () => refused,
    isOpen: breaker.isOpen,
  }
}

/** Twice as long each time, and not at the same moment as others. */
export const createBackOff = ({ firstMs, longestMs }: Waits): ExponentialBackoff<unknown> =>
  new ExponentialBackoff({ generator: halfJitterGenerator, initialDelay: firstMs, maxDelay: longestMs })

function createBreaker(options: Breaker | undefined, away: Handled, tell: (state: BreakerState) => void) {
  if (options === undefined) return { execute: <T>(call: () => Promise<T>) => call(), isOpen: () => false }
  const { failures, openMs, trials } = options
  const breaker = circuitBreaker(away, {
    breaker: new ConsecutiveBreaker(failures),
    halfOpenAfter: openMs,
    halfOpenSampling: { calls: trials, threshold: 0 },
  })
  let trialsAt = 0
  breaker.onBreak(() => {
    trialsAt = Date.now() + openMs
    tell('open')
  })
  breaker.onReset(() => tell('closed'))
  tell('closed')
  let tried = 0
  // told within the first of the trial calls
  breaker.onHalfOpen(() => {
    tried = 1
    tell('half-open')
  })
  return {
    execute<T>(call: () => Promise<T>): Promise<T> {
      // the library would keep whoever comes now waiting for the trial calls
      if (breaker.state === CircuitState.HalfOpen && ++tried > trials) return Promise.reject(new BrokenCircuitError())
      return breaker.execute(call)
    },
    // the library notices with the next call that it is time for trial calls
    isOpen: () => breaker.state === CircuitState.Open && Date.now() < trialsAt,
  }
}

function toldAs(name: string, { breaker, atOnce, waiting }: Policy, error: unknown): unknown {
  if (isBrokenCircuitError(error)) {
    const why = `${name} is left alone for up to ${(breaker?.openMs ?? 0) / 1000} s: it failed ${breaker?.failures} times in a row`
    return new BridgeError('SOURCE_UNAVAILABLE', why, { cause: error })
  }
  if (isBulkheadRejectedError(error))
    return new BridgeError('OVERLOADED', `${atOnce + waiting} calls to ${name} are on their way or wait`, {
      cause: error,
    })
  if (isTaskCancelledError(error))
    return new BridgeError('SOURCE_UNAVAILABLE', `there was no time left for a call to ${name}`, { cause: error })
  return error
}
