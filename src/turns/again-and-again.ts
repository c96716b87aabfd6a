import { setTimeout as sleep } from 'node:timers/promises'

/** How to stop it. Settles when the step that is being done has ended, or after `withinMs`: it may wait for somebody. */
export type Stop = (withinMs: number) => Promise<void>

/** Does a step, pauses, and does it again. A step that throws is over: the next one tries again. */
export function againAndAgain(step: () => Promise<void>, pauseMs: number): Stop {
  const stopping = new AbortController()
  const { signal } = stopping
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      await step().catch(() => undefined)
      await sleep(pauseMs, undefined, { ref: false, signal }).catch(() => undefined)
    }
  }
  const looping = loop()
  return async (withinMs) => {
    stopping.abort()
    await Promise.race([looping, sleep(withinMs, undefined, { ref: false })])
  }
}
