import type { Removal } from './removal.ts'

/** Tells that the log holds less than it should, because somebody fills it. */
export interface Turnover {
  /** The oldest files went. */
  removed(what: Removal['removed']): void
  /** Times since the start that entries went too early. */
  total(): number
  /** What operators must know now. */
  problem(): string | undefined
}

export interface TurnoverOptions {
  /** Entries went too early. */
  onAlarm: (problem: string) => void
  now?: () => number
}

/** Whoever looks once a week finds everything. */
const KEPT_DAYS = 7
const DAY_MS = 86_400_000

export function createTurnover({ onAlarm, now = Date.now }: TurnoverOptions): Turnover {
  let until = Number.NEGATIVE_INFINITY
  let isLost = false
  let total = 0
  const problem = (): string | undefined => {
    const upTo = new Date(Math.max(0, until)).toISOString()
    if (isLost) return `entries up to ${upTo} were removed before the database was told of them: AUDIT_MAX_MB`
    if (now() - until >= KEPT_DAYS * DAY_MS) return undefined
    return `it holds less than ${KEPT_DAYS} days: entries up to ${upTo} were removed; look who makes so many, or raise AUDIT_MAX_MB`
  }
  return {
    removed(what) {
      until = what.until
      isLost ||= what.isLost
      const found = problem()
      if (found === undefined) return
      total++
      onAlarm(found)
    },
    total: () => total,
    problem,
  }
}
