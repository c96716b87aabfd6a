import { createLatency, type Latency } from './latency.ts'
import { HEALTH_EVERY_MS } from './policies.ts'

/** How a dependency was when something was heard of it last. Asking this asks the dependency nothing. */
export interface HealthWatch {
  /** What was wrong; `undefined` where it answered. */
  problem(): string | undefined
  /** Milliseconds since then. */
  ageMs(): number
  /** `Latency.ms` */
  latencyMs(): number | undefined
  /** It was heard of in another way. */
  heard(problem?: string): void
  close(): void
}

/** Asks a dependency by itself how it is, again and again. It counts as well until it was heard of. */
export function watchHealth(ask: () => Promise<unknown>, everyMs = HEALTH_EVERY_MS): HealthWatch {
  let heardAt = performance.now()
  let problem: string | undefined
  const latency: Latency = createLatency()
  const heard = (of?: string): void => {
    heardAt = performance.now()
    problem = of
    if (of === undefined) latency.heard()
  }
  const timer = setInterval(() => {
    const end = latency.begin()
    ask().then(
      () => {
        heard()
        end(true)
      },
      (error: Error) => {
        heard(error.message)
        end(false)
      },
    )
  }, everyMs)
  timer.unref()
  return {
    problem: () => problem,
    ageMs: () => performance.now() - heardAt,
    latencyMs: latency.ms,
    heard,
    close: () => clearInterval(timer),
  }
}
