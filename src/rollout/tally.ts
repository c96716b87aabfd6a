import { COHORTS, type Cohort } from '../ports/flags.ts'
import { addFigures, type Figures, noFigures } from './figures.ts'
import { type Latencies, newLatencies } from './latencies.ts'

/** What came to the users of one arm. */
export interface Arm {
  users: Map<string, Figures>
  latencies: Latencies
}

/** What users were answered on one day while the flag put the same share of them into the arm `database`. */
export interface Period {
  day: string
  share: number | null
  arms: Record<Cohort, Arm>
}

/** Users in arms, with their figures, by day and share. */
export interface Tally {
  /** The figures of a user, to be added to. */
  figuresOf(day: string, share: number | null, cohort: Cohort, userId: string): Figures
  period(day: string, share: number | null): Period
  has(day: string, share: number | null, cohort: Cohort, userId: string): boolean
  /** Adds everything that is in another one. */
  add(more: Tally): void
  /** The earliest day first. */
  periods(): Period[]
  /** Users in arms: one for each of their days. */
  size(): number
  forget(day: string): void
}

export const newArm = (): Arm => ({ users: new Map(), latencies: newLatencies() })

/** The earliest first. */
export const compareDays = (a: Period, b: Period): number => (a.day < b.day ? -1 : a.day > b.day ? 1 : 0)

export function createTally(): Tally {
  const periods = new Map<string, Period>()
  let size = 0
  /** Nearly all that comes is of one period. */
  let latest: Period | undefined
  const keyOf = (day: string, share: number | null): string => `${day} ${share}`
  const find = (day: string, share: number | null): Period | undefined => {
    if (latest?.day === day && latest.share === share) return latest
    return periods.get(keyOf(day, share))
  }
  const period = (day: string, share: number | null): Period => {
    latest = find(day, share)
    if (latest !== undefined) return latest
    latest = { day, share, arms: { legacy: newArm(), database: newArm() } }
    periods.set(keyOf(day, share), latest)
    return latest
  }
  const figuresOf = (day: string, share: number | null, cohort: Cohort, userId: string): Figures => {
    const { users } = period(day, share).arms[cohort]
    let figures = users.get(userId)
    if (figures === undefined) {
      figures = noFigures()
      users.set(userId, figures)
      size++
    }
    return figures
  }
  return {
    figuresOf,
    period,
    has: (day, share, cohort, userId) => find(day, share)?.arms[cohort].users.has(userId) === true,
    add(more) {
      for (const { day, share, arms } of more.periods())
        for (const cohort of COHORTS) {
          for (const [userId, figures] of arms[cohort].users) addFigures(figuresOf(day, share, cohort, userId), figures)
          if (!arms[cohort].latencies.isEmpty()) period(day, share).arms[cohort].latencies.add(arms[cohort].latencies)
        }
    },
    periods: () => [...periods.values()].sort(compareDays),
    size: () => size,
    forget(day) {
      latest = undefined
      for (const [key, { day: one, arms }] of periods)
        if (one === day) {
          for (const cohort of COHORTS) size -= arms[cohort].users.size
          periods.delete(key)
        }
    },
  }
}
