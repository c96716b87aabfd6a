import type { Context, Unleash } from 'unleash-client'
import { defaultStrategies } from 'unleash-client/lib/strategy/index.js'
import { COHORTS, type Cohort, FLAG_NAMES, type FlagPlace, type Flags, type UserFlags } from '../ports/flags.ts'
import type { Definitions, DefinitionsRepository, FlagChange } from './definitions.ts'
import type { Problems } from './problems.ts'

const STRATEGIES: ReadonlySet<string> = new Set(defaultStrategies.map(({ name }) => name))

const areaOf = (name: string): string => `the evaluation of ${name}`
/** What counts of a flag that says nothing that can be understood: whatever puts nobody on ClickHouse. */
const safely = (name: string): string =>
  name === FLAG_NAMES.experiment ? 'everybody is in the cohort legacy' : 'it counts as off'

/**
 * Reads all flags of a user at once, and the arm of the experiment when it is asked for. It fails safe: what is missing
 * or makes no sense is off, the experiment's cohort legacy, and a problem until it is defined otherwise. Only an
 * experiment that is known to be disabled has no cohort.
 */
export function createUserFlags(
  unleash: Unleash,
  repository: DefinitionsRepository,
  problems: Problems,
  place: FlagPlace = {},
  /** Counts nothing: the arm of the experiment is told elsewhere, where it decides. */
  silent: Pick<Unleash, 'forceGetVariant'> = unleash,
): Flags['of'] {
  const evaluated = <T>(name: string, evaluate: () => T, fallback: T): T => {
    // reported by `noteDefinitions` already
    if (repository.getToggle(name) === undefined) return fallback
    try {
      return evaluate()
    } catch (error) {
      const reason = `${name} cannot be evaluated (${(error as Error).message}): ${safely(name)}`
      problems.set(areaOf(name), { failed: reason })
      return fallback
    }
  }

  const cohortOf = (context: Context): Cohort | null => {
    const name = FLAG_NAMES.experiment
    if (repository.getToggle(name)?.enabled === false) return null
    // counted by `noteExposure` alone, where it decides
    const variant = silent.forceGetVariant(name, context)
    const cohort = variant.feature_enabled ? COHORTS.find((one) => one === variant.name) : undefined
    if (cohort !== undefined) return cohort
    const given = variant.feature_enabled && variant.enabled
    problems.set(areaOf(name), {
      variant: `${name} is on and gives users ${given ? `the variant "${variant.name}", which nobody knows` : 'no variant'}: they are in the cohort legacy; its variants must be ${COHORTS.join(' and ')}`,
    })
    return 'legacy'
  }

  const rateOf = (context: Context): number => {
    const name = FLAG_NAMES.shadowReads
    if (!unleash.isEnabled(name, context)) return 0
    const { payload } = unleash.getVariant(name, context)
    const value: unknown = payload?.value
    const rate = typeof value === 'string' && /^\d{1,9}(\.\d{1,18})?$/.test(value.trim()) ? Number(value) : value
    if (typeof rate === 'number' && rate >= 0 && rate <= 1) return rate
    problems.set(areaOf(name), {
      payload: `${name} is on without a payload that is a number from 0 to 1: ${safely(name)}`,
    })
    return 0
  }

  return (userId, roles = []): UserFlags => {
    const context = contextOf(userId, roles, place)
    let cohort: Cohort | null | undefined
    const isOn = (name: string): boolean => evaluated(name, () => unleash.isEnabled(name, context), false)
    return {
      databaseBridge: isOn(FLAG_NAMES.databaseBridge),
      historicalData: isOn(FLAG_NAMES.historicalData),
      realTimeUpdates: isOn(FLAG_NAMES.realTimeUpdates),
      userSourceChoice: isOn(FLAG_NAMES.userSourceChoice),
      shadowReads: evaluated(FLAG_NAMES.shadowReads, () => rateOf(context), 0),
      get cohort() {
        if (cohort === undefined) cohort = evaluated(FLAG_NAMES.experiment, () => cohortOf(context), 'legacy')
        return cohort
      },
    }
  }
}

/**
 * What strategies and constraints may look at. Unleash compares texts: who has several roles has them in one, in the
 * order of the alphabet, so that a constraint asks whether it contains a role.
 */
export function contextOf(userId: string, roles: readonly string[], { host, environment }: FlagPlace): Context {
  const known = { roles: [...roles].sort().join(','), ...(host === undefined ? {} : { host }) }
  // a member of Unleash's own context; whatever is no such member goes into the properties
  return { userId, ...(environment === undefined ? {} : { environment }), properties: known }
}

/** Tells what is wrong with new definitions; `changed` has the flags whose evaluation may be another now. */
export function noteDefinitions(definitions: Definitions, changed: readonly FlagChange[], problems: Problems): void {
  for (const { name } of changed) problems.set(areaOf(name), {})
  const found = Object.values(FLAG_NAMES).flatMap((name) => mistakesOf(name, definitions))
  problems.set('definitions', Object.fromEntries(found.map((problem) => [problem, problem])))
}

function mistakesOf(name: string, { features, segments, malformed }: Definitions): string[] {
  const feature = features.get(name)
  if (feature === undefined) {
    const reason = malformed.get(name)
    return [`${name} is ${reason === undefined ? 'not defined' : `malformed (${reason})`}: ${safely(name)}`]
  }
  return (feature.strategies ?? []).flatMap((strategy) => [
    ...(STRATEGIES.has(strategy.name)
      ? []
      : [`${name} has the strategy "${strategy.name}", which nobody knows: it counts for nobody`]),
    ...(strategy.segments ?? [])
      .filter((id) => !segments.has(id))
      .map((id) => `${name} has the segment ${id}, which is missing: nobody is in it`),
  ])
}
