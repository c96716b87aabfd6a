/** How fast a run carries: measured from when it began, or was resumed, in this process. */
export interface CarryingRate {
  /** Tells how much of a run was verified up to now. */
  observe(run: string, tokensVerified: bigint): void
  /** `null` before there is something to measure. */
  tokensPerSecond(run: string): number | null
  restart(): void
}

export function createCarryingRate(now: () => number): CarryingRate {
  let since: { run: string; at: number; tokens: bigint } | undefined
  let last: { at: number; tokens: bigint } | undefined
  return {
    observe(run, tokens) {
      if (since?.run === run) {
        last = { at: now(), tokens }
        return
      }
      since = { run, at: now(), tokens }
      last = undefined
    },
    tokensPerSecond(run) {
      if (since?.run !== run || last === undefined || last.at <= since.at) return null
      return (Number(last.tokens - since.tokens) * 1000) / (last.at - since.at)
    },
    restart() {
      since = last = undefined
    },
  }
}
