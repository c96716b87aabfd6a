import { LRUCache } from 'lru-cache'

/** How many entries of its own somebody may have: so many at once, and so many a second for longer. */
export interface Allowance {
  /** Takes one, where there is one left. */
  take(whose: string): boolean
}

export interface AllowanceOptions {
  atOnce: number
  perSecond: number
  now: () => number
}

/** Those who were seen last; whoever was not seen for long has everything anyway. */
const MAX_SEEN = 10_000

export function createAllowance({ atOnce, perSecond, now }: AllowanceOptions): Allowance {
  const left = new LRUCache<string, { count: number; at: number }>({ max: MAX_SEEN })
  return {
    take(whose) {
      const at = now()
      const known = left.get(whose) ?? { count: atOnce, at }
      const grown = (Math.max(0, at - known.at) / 1000) * perSecond
      const count = Math.min(atOnce, known.count + grown)
      left.set(whose, { count: count < 1 ? count : count - 1, at })
      return count >= 1
    },
  }
}
