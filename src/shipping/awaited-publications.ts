import type { LogState } from '../ports/logs.ts'

/** Whoever waits until a log is published up to a byte. */
export interface AwaitedPublications {
  /** `false` where it takes longer than `waitMs`, or too many wait already. */
  wait(key: string, to: number, waitMs: number): Promise<boolean>
  /** These logs are published so far. */
  published(states: readonly LogState[]): void
  /** Nothing is published any more. */
  close(): void
}

/** With more than this the database is behind anyway: who comes then is told at once that it is not published yet. */
const MAX_WAITING = 64

export function createAwaitedPublications(): AwaitedPublications {
  let closed = false
  const waiting = new Set<{ key: string; to: number; resolve: (published: boolean) => void }>()
  return {
    wait(key, to, waitMs) {
      if (closed || waitMs === 0 || waiting.size >= MAX_WAITING) return Promise.resolve(false)
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const one = { key, to, resolve }
      waiting.add(one)
      const timer = setTimeout(() => {
        waiting.delete(one)
        resolve(false)
      }, waitMs)
      return promise.finally(() => clearTimeout(timer))
    },
    published(states) {
      const publishedTo = new Map(states.map((state) => [state.key, state.publishedTo]))
      for (const one of waiting) {
        if ((publishedTo.get(one.key) ?? -1) < one.to) continue
        waiting.delete(one)
        one.resolve(true)
      }
    },
    close() {
      closed = true
      for (const { resolve } of waiting) resolve(false)
    },
  }
}
