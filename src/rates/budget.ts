import { LRUCache } from 'lru-cache'
import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { Budget } from '../ports/budgets.ts'
import { type Sharing, type Used, usedBy } from './sharing.ts'

export interface BudgetOptions {
  /** Names it among the shared counts. */
  name: string
  /** In a window, by one caller; 0: no bound. */
  most: number
  windowMs: number
  /** What there is too much of, such as `records`. */
  about: string
  onRefused: () => void
  /** Absent: this instance counts by itself. */
  sharing?: Sharing | undefined
  now?: () => number
  /** Of callers that are remembered. */
  maxBytes?: number
}

/** What a caller takes in memory, beside the name. */
const CALLER_BYTES = 300

const UNBOUNDED: Budget = { take: () => undefined, refusal: () => undefined, add: () => undefined }

/**
 * Counts in memory, so that no request waits for others to be asked; what others have counted is heard in the background.
 * A window begins with the first use in it. Those who used nothing for longest are forgotten first.
 */
export function createBudget(options: BudgetOptions): Budget {
  const { name, most, windowMs, onRefused, sharing, now = Date.now } = options
  if (most === 0) return UNBOUNDED
  const callers = new LRUCache<string, Used>({
    maxSize: options.maxBytes ?? LIMITS.rateBytes.value,
    sizeCalculation: (_, who) => CALLER_BYTES + 2 * who.length,
  })
  const usedOf = (who: string): Used | undefined => {
    const used = callers.get(who)
    // a clock that was set back makes no window longer
    return used !== undefined && now() < used.endsAt && used.endsAt <= now() + windowMs ? used : undefined
  }
  const refusal = (who: string, amount: number): BridgeError | undefined => {
    const used = usedOf(who)
    const before = used === undefined ? 0 : usedBy(used)
    if (used === undefined || before <= 0 || before + amount <= most) return undefined
    onRefused()
    return rateLimited(options, Math.ceil((used.endsAt - now()) / 1000))
  }
  const add = (who: string, amount: number): void => {
    let used = usedOf(who)
    if (used === undefined) {
      // it was taken from a window that has ended
      if (amount <= 0) return
      used = { total: 0, untold: 0, endsAt: now() + windowMs }
      callers.set(who, used)
    }
    used.untold += amount
    sharing?.note(`${name}:${who}`, windowMs, used)
  }
  return {
    refusal,
    add,
    take(who, amount) {
      const refused = refusal(who, amount)
      if (refused !== undefined) throw refused
      add(who, amount)
    },
  }
}

function rateLimited({ most, windowMs, about }: BudgetOptions, retryAfterSeconds: number): BridgeError {
  return new BridgeError(
    'RATE_LIMITED',
    `more than ${most} ${about} in ${windowMs / 1000} s: try again in ${retryAfterSeconds} s`,
    { retryAfterSeconds },
  )
}
