/** How fast a run carries: measured from when it began, or was resumed, in this process. */
export interface Pace {
  /** Tells how much was verified up to now; a run that does not carry has no pace. */
  observe(run: string | undefined, tokensVerified: bigint): void
  tokensPerSecond(): number | null
}

export function createPace(now: () => number): Pace {
  let since: { run: string; at: number; tokens: bigint } | undefined
  let last: { at: number; tokens: bigint } | undefined
  return {
    observe(run, tokens) {
      if (run === undefined) since = last = undefined
      else if (since?.run !== run) since = { run, at: now(), tokens }
      else last = { at: now(), tokens }
    },
    tokensPerSecond() {
      if (since === undefined || last === undefined || last.at <= since.at) return null
      return (Number(last.tokens - since.tokens) * 1000) / (last.at - since.at)
    },
  }
}
