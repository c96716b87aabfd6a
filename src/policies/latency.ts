/** How long a dependency takes to answer. */
export interface Latency {
  /** It is asked now: what is returned is to be told whether it has answered. */
  begin(): (hasAnswered: boolean) => void
  /** It was heard of in another way. */
  heard(): void
  /**
   * Milliseconds that it took to answer when it was asked last. While it does not answer: since it was asked in vain for
   * the first time. `undefined` where neither is known.
   */
  ms(): number | undefined
}

export function createLatency(): Latency {
  let tookMs: number | undefined
  let inVainSince: number | undefined
  return {
    begin() {
      const askedAt = performance.now()
      return (hasAnswered) => {
        tookMs = hasAnswered ? performance.now() - askedAt : undefined
        inVainSince = hasAnswered ? undefined : (inVainSince ?? askedAt)
      }
    },
    heard() {
      inVainSince = undefined
    },
    ms: () => (inVainSince === undefined ? tookMs : performance.now() - inVainSince),
  }
}
