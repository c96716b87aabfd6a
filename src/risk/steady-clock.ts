/** Time that does not go back, though the system's clock may. */
export interface SteadyClock {
  /** Milliseconds since 1970. */
  now(): number
  /** It is at least as late: somebody has told of something that happened then. */
  notBefore(at: number): void
}

/** `wall` is the system's clock; `passed` says how much time has passed, whatever becomes of that clock. */
export function createSteadyClock(wall = Date.now, passed = (): number => performance.now()): SteadyClock {
  let latest = wall()
  let passedThen = passed()
  return {
    now() {
      const passedNow = passed()
      latest = Math.max(wall(), latest + passedNow - passedThen)
      passedThen = passedNow
      return Math.floor(latest)
    },
    notBefore(at) {
      latest = Math.max(latest, at)
    },
  }
}
