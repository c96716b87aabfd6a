import type { TokenQuery } from '../domain/token-query.ts'
import type { Compared } from '../ports/comparison.ts'
import type { GuardState } from './guard.ts'

export interface OwnResetOptions {
  /** Quiet for so long; 0: it is never reset by itself. */
  afterMs: number
  state: () => GuardState
  /** When a confirmed mismatch was heard of last, from whichever instance, by `now`. */
  mismatchHeardAt: () => number | undefined
  /** What differed lately. */
  questions: () => TokenQuery[]
  /** Puts a question to both sources once more. */
  replay: (query: TokenQuery) => Promise<Compared>
  /** Only goes forward: a clock that is wrong, here or on another instance, makes no time quiet. */
  now?: () => number
}

/**
 * Whether a guard that tripped by itself can be reset by itself: both sources have agreed for long enough, and agree once
 * more on what they differed in.
 */
export interface OwnReset {
  compared(agreed: boolean): void
  /** Why it can be reset now. To be asked regularly. */
  reason(): Promise<string | undefined>
}

/** So many comparisons must agree: time alone says nothing. */
const AGREED_AT_LEAST = 20
/** Between two attempts, where a question could not be compared. */
const AGAIN_MS = 10_000

export function createOwnReset(options: OwnResetOptions): OwnReset {
  const { afterMs, state, mismatchHeardAt, questions, replay, now = () => performance.now() } = options
  /** The trip that is looked at, since when, and how many comparisons agreed since then, and since one differed. */
  let trip: { at: number | undefined; seenAt: number; differedAt: number; agreed: number } | undefined
  let notBefore = 0
  let isReplaying = false

  const tripNow = () => {
    const { tripped, at } = state()
    if (!tripped) trip = undefined
    else if (trip === undefined || trip.at !== at) trip = { at, seenAt: now(), differedAt: 0, agreed: 0 }
    return trip
  }
  const compared = (agreed: boolean): void => {
    const current = tripNow()
    if (current === undefined) return
    current.agreed = agreed ? current.agreed + 1 : 0
    if (!agreed) current.differedAt = now()
  }
  /** How long it was quiet, where that is long enough. */
  const quietMs = (): number | undefined => {
    const current = tripNow()
    if (afterMs === 0 || current === undefined || !state().automatic || current.agreed < AGREED_AT_LEAST)
      return undefined
    const ms = now() - Math.max(current.seenAt, current.differedAt, mismatchHeardAt() ?? 0)
    return ms < afterMs ? undefined : ms
  }
  const allAgree = async (): Promise<boolean> => {
    for (const query of questions()) {
      const { outcome } = await replay(query)
      if (outcome === 'AGREED') continue
      if (outcome === 'DIFFERS') compared(false)
      else notBefore = now() + AGAIN_MS
      return false
    }
    return true
  }
  return {
    compared,
    async reason() {
      if (quietMs() === undefined || isReplaying || now() < notBefore) return undefined
      isReplaying = true
      try {
        if (!(await allAgree())) return undefined
      } finally {
        isReplaying = false
      }
      // whatever happened meanwhile
      const ms = quietMs()
      if (ms === undefined) return undefined
      return `both sources agreed for ${Math.round(ms / 1000)} s, ${trip?.agreed} times`
    },
  }
}
