import { grouped } from '../domain/counted.ts'
import { intervalOf, standardErrors } from './confidence.ts'
import type { Figures } from './figures.ts'
import { MEASURES, type Measure, type Measured, measured } from './measures.ts'
import { LEAST_USERS } from './sample-ratio.ts'

export const ARM_VERDICTS = ['WAITING', 'HEALTHY', 'REGRESSED', 'INCONCLUSIVE'] as const
export type ArmVerdict = (typeof ARM_VERDICTS)[number]

/** Database minus legacy. */
export interface ArmDifference {
  measure: string
  /** `null` where nothing was measured. */
  difference: number | null
  low: number | null
  high: number | null
  verdict: ArmVerdict
  reason: string
  /** Of both arms together, until the interval is narrow enough; `null` where that is not known, or it is. */
  moreQuestions: number | null
}

/** All intervals together hold the true differences with 95 %: Bonferroni. */
const ALPHA = 0.05 / MEASURES.length

/** Users of each arm, with what came to them. */
export type ComparedUsers = Record<'legacy' | 'database', readonly Readonly<Figures>[]>

export function compareArms(users: ComparedUsers): ArmDifference[] {
  const questions = [...users.legacy, ...users.database].reduce((sum, figures) => sum + figures.questions, 0)
  return MEASURES.map((measure) => compare(measure, users, questions))
}

/** `questions`: of both arms together. Not each of them counts for a measure: few are compared, say. */
function compare(measure: Measure, users: ComparedUsers, questions: number): ArmDifference {
  const [legacy, database] = [measured(users.legacy, measure), measured(users.database, measure)]
  const count = legacy.count + database.count
  const waiting = (reason: string, moreQuestions: number | null): ArmDifference => {
    const difference = database.mean - legacy.mean
    const known = Number.isFinite(difference) ? difference : null
    return {
      measure: measure.name,
      difference: known,
      low: null,
      high: null,
      verdict: 'WAITING',
      reason,
      moreQuestions,
    }
  }
  if (count === 0) return waiting(questions === 0 ? 'nobody asked yet' : measure.absent, null)
  const missing = Math.max(0, LEAST_USERS - legacy.users) + Math.max(0, LEAST_USERS - database.users)
  if (missing > 0) {
    const more = Math.ceil(missing * (questions / (legacy.users + database.users)))
    const now = `there are ${legacy.users} in legacy and ${database.users} in database`
    return waiting(
      `at least ${LEAST_USERS} users of each arm are needed, and ${now}: about ${grouped(more)} more questions`,
      more,
    )
  }
  const interval = intervalOf(legacy, database, measure.margin, ALPHA)
  const { difference, halfWidth } = interval
  // shares differ by no more than everything
  const farthest = measure.isShare ? 1 : Number.POSITIVE_INFINITY
  const [low, high] = [Math.max(-farthest, difference - halfWidth), Math.min(farthest, difference + halfWidth)]
  const shown = `${show(measure, difference)}, between ${show(measure, low)} and ${show(measure, high)}`
  const judged = (verdict: ArmVerdict, reason: string, moreQuestions: number | null = null): ArmDifference => {
    const told = (value: number): number | null => (Number.isFinite(value) ? value : null)
    return { measure: measure.name, difference, low: told(low), high: told(high), verdict, reason, moreQuestions }
  }
  const [least, most] = measure.worse === 1 ? [low, high] : [-high, -low]
  const line = show(measure, measure.worse * measure.margin)
  if (most < measure.margin) return judged('HEALTHY', `${shown}: within ${line}`)
  if (least > 0) return judged('REGRESSED', `${shown}: worse, and not within ${line}`)
  const more = Math.ceil(questions * (timesNeeded(measure, legacy, database) - 1))
  return judged('WAITING', `${shown}: about ${grouped(more)} more questions until that is narrow enough`, more)
}

/** Above how many times as much nobody should wait. */
const MOST_TIMES = 1e6
/** It is a rough number: less than that is not told. */
const LEAST_TIMES = 1.1

/** How many times as much it takes until the interval holds no more than one of no difference and the margin. */
function timesNeeded(measure: Measure, legacy: Measured, database: Measured): number {
  const worse = measure.worse * (database.mean - legacy.mean)
  const enough = Math.max(measure.margin - worse, worse)
  let [few, many] = [LEAST_TIMES, MOST_TIMES]
  while (many / few > LEAST_TIMES) {
    const times = Math.sqrt(few * many)
    const variance = legacy.times(times).variance + database.times(times).variance
    if (standardErrors(variance, measure.margin, ALPHA) * Math.sqrt(variance) < enough) many = times
    else few = times
  }
  return many
}

/** A difference as people read it: of shares in points of percent, of latencies as a factor. */
function show({ isShare }: Measure, value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'anything above' : 'anything below'
  const percent = 100 * (isShare ? value : Math.exp(value) - 1)
  const digits = Math.abs(percent) < 1 ? 2 : 1
  return `${percent >= 0 ? '+' : '−'}${Math.abs(percent).toFixed(digits)} ${isShare ? 'points' : '%'}`
}
