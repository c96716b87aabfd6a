import { COHORTS, type Cohort, type ExperimentSetup, FLAG_NAMES } from '../ports/flags.ts'
import { type ArmDifference, type ArmVerdict, compareArms } from './comparison.ts'
import { dayOf, type Exposures } from './exposures.ts'
import { addFigures, type Figure, type Figures, noFigures } from './figures.ts'
import type { Latencies } from './latencies.ts'
import { type MeasureName, measured, measureNamed } from './measures.ts'
import { sampleRatio } from './sample-ratio.ts'
import { newArm, type Period } from './tally.ts'
import { verdictOf } from './verdict.ts'

export interface ArmReport {
  cohort: Cohort
  /** 0 to 1. */
  expectedShare: number
  users: number
  questions: number
  errorRate: number | null
  fallbackRate: number | null
  cacheHitRate: number | null
  mismatchRate: number | null
  latencyP50Ms: number | null
  latencyP95Ms: number | null
  latencyP99Ms: number | null
}

/** What is known of the experiment. */
export interface ExperimentReport {
  flag: string
  enabled: boolean
  arms: ArmReport[]
  /** Users who were in both arms, under whatever share. */
  crossovers: number
  sampleRatioP: number | null
  sampleRatioMismatch: boolean
  differences: ArmDifference[]
  verdict: ArmVerdict
  reason: string
}

export interface ReportOptions {
  exposures: Pick<Exposures, 'periods' | 'uncounted'>
  setup: ExperimentSetup
  /** Milliseconds since 1970; of each, the whole day counts. */
  from: number | undefined
  /** The first that is not asked for. */
  to: number | undefined
  now?: number
}

type Users = Map<string, Figures>
interface Merged {
  users: Users
  latencies: Latencies
}

/**
 * Arms are compared under one share alone: where it was raised, users moved from one arm to the other, and those who
 * came later are not those who came before. It is the one that counts now, or the last one of a time that is over.
 */
export function reportOf({ exposures, setup, from, to, now = Date.now() }: ReportOptions): ExperimentReport {
  const [first, last] = [dayOf(from ?? 0), to === undefined ? '9999' : dayOf(to - 1)]
  const periods = exposures.periods(first, last)
  const isOver = !setup.enabled || (to !== undefined && to <= now)
  const share = isOver ? (periods.at(-1) ?? setup).share : setup.share
  const arms = merged(periods.filter((period) => period.share === share))
  const both = (user: string): boolean => arms.legacy.users.has(user) && arms.database.users.has(user)
  const own = ({ users }: Merged): Figures[] => [...users].filter(([user]) => !both(user)).map(([, figures]) => figures)
  const compared = { legacy: own(arms.legacy), database: own(arms.database) }
  const ratio = sampleRatio({ legacy: compared.legacy.length, database: compared.database.length }, share)
  const differences = compareArms(compared)
  const seen = { legacy: arms.legacy.users.size, database: arms.database.users.size }
  const expected = share ?? (seen.legacy + seen.database === 0 ? 0 : seen.database / (seen.legacy + seen.database))
  const { differences: judged, ...verdict } = verdictOf({
    differences,
    ratio,
    share,
    isOver,
    uncounted: exposures.uncounted(),
  })
  return {
    flag: FLAG_NAMES.experiment,
    enabled: setup.enabled,
    arms: COHORTS.map((cohort) => armReport(cohort, arms[cohort], cohort === 'database' ? expected : 1 - expected)),
    crossovers: crossoversIn(periods),
    sampleRatioP: ratio.p,
    sampleRatioMismatch: ratio.isMismatch,
    differences: judged,
    ...verdict,
  }
}

/** The days of each arm together. */
function merged(periods: readonly Period[]): Record<Cohort, Merged> {
  const arms = { legacy: newArm(), database: newArm() }
  for (const period of periods)
    for (const cohort of COHORTS) {
      const { users, latencies } = arms[cohort]
      for (const [user, figures] of period.arms[cohort].users) {
        const all = users.get(user) ?? noFigures()
        addFigures(all, figures)
        users.set(user, all)
      }
      latencies.add(period.arms[cohort].latencies)
    }
  return arms
}

function crossoversIn(periods: readonly Period[]): number {
  const usersOf = (cohort: Cohort) => new Set(periods.flatMap(({ arms }) => [...arms[cohort].users.keys()]))
  const inDatabase = usersOf('database')
  return [...usersOf('legacy')].filter((user) => inDatabase.has(user)).length
}

function armReport(cohort: Cohort, { users, latencies }: Merged, expectedShare: number): ArmReport {
  const sum = (figure: Figure): number => [...users.values()].reduce((all, figures) => all + figures[figure], 0)
  const rate = (name: MeasureName): number | null => {
    const { mean } = measured(users.values(), measureNamed(name))
    return Number.isFinite(mean) ? mean : null
  }
  return {
    cohort,
    expectedShare,
    users: users.size,
    questions: sum('questions'),
    errorRate: rate('errorRate'),
    fallbackRate: rate('fallbackRate'),
    cacheHitRate: rate('cacheHitRate'),
    mismatchRate: rate('mismatchRate'),
    latencyP50Ms: latencies.quantile(0.5),
    latencyP95Ms: latencies.quantile(0.95),
    latencyP99Ms: latencies.quantile(0.99),
  }
}
