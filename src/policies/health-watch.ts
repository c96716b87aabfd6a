import { HEALTH_EVERY_MS } from './policies.ts'

/** How a dependency was when something was heard of it last. Asking this asks the dependency nothing. */
export interface HealthWatch {
  /** What was wrong; `undefined` where it answered. */
  problem(): string | undefined
  /** Milliseconds since then. */
  ageMs(): number
  /** It was heard of in another way. */
  heard(problem?: string): void
  close(): void
}

/** Asks a dependency by itself how it is, again and again. It counts as well until it was heard of. */
export function watchHealth(ask: () => Promise<unknown>, everyMs = HEALTH_EVERY_MS): HealthWatch {
  let heardAt = performance.now()
  let problem: string | undefined
  const heard = (of?: string): void => {
    heardAt = performance.now()
    problem = of
  }
  const timer = setInterval(() => {
    ask().then(
      () => heard(),
      (error: Error) => heard(error.message),
    )
  }, everyMs)
  timer.unref()
  return {
    problem: () => problem,
    ageMs: () => performance.now() - heardAt,
    heard,
    close: () => clearInterval(timer),
  }
}
