import { Unleash, UnleashEvents } from 'unleash-client'
import { type Cohort, type ExperimentSetup, FLAG_NAMES, type FlagPlace, type Flags } from '../ports/flags.ts'
import type { DefinitionsRepository, Feature } from './definitions.ts'
import { contextOf } from './user-flags.ts'

/** The experiment decided an answer of a user, for the first time on a day in this arm. */
export interface ImpressionListener {
  onImpression?(impression: { userId: string; variant: string }): void
}

const NAME = FLAG_NAMES.experiment
const DATABASE: Cohort = 'database'

/** Evaluates flags, and counts and tells nothing. */
export async function startSilentClient(repository: DefinitionsRepository): Promise<Unleash> {
  const unleash = new Unleash({
    appName: 'token-bridge',
    url: 'http://silent.invalid',
    repository,
    disableMetrics: true,
    disableAutoStart: true,
    skipInstanceCountWarning: true,
  })
  await unleash.start()
  return unleash
}

/** How the experiment is set up, and how Unleash hears whom it decided for. */
export function createExperimentFlag(
  unleash: Unleash,
  repository: DefinitionsRepository,
  { onImpression }: ImpressionListener,
  place: FlagPlace = {},
): Pick<Flags, 'experiment' | 'noteExposure'> {
  unleash.on(UnleashEvents.Impression, ({ featureName, variant, context }) => {
    if (featureName === NAME) onImpression?.({ userId: String(context.userId), variant: String(variant) })
  })
  // it is asked for with each answer, and seldom another one
  let known: { feature: Feature | undefined; setup: ExperimentSetup } | undefined
  return {
    experiment() {
      const feature = repository.getToggle(NAME)
      if (known === undefined || known.feature !== feature) known = { feature, setup: setupOf(feature) }
      return known.setup
    },
    noteExposure({ userId, roles }, cohort, isFirst) {
      // evaluates it, as that alone makes an impression; both count for its usage figures
      if (isFirst) unleash.getVariant(NAME, contextOf(userId, roles, place))
      else {
        unleash.count(NAME, true)
        unleash.countVariant(NAME, cohort)
      }
    },
  }
}

/** What is missing or cannot be read leaves everybody in the arm `legacy`. */
function setupOf(feature: Feature | undefined): ExperimentSetup {
  return feature === undefined ? { enabled: false, share: 0 } : { enabled: feature.enabled, share: shareOf(feature) }
}

type Strategy = NonNullable<Feature['strategies']>[number]
type Variants = readonly { name: string; weight: number; overrides?: readonly unknown[] }[]

/** Of users in the arm `database`; whoever gets no variant is in the arm `legacy`. */
function shareOf({ strategies, variants, dependencies }: Feature): number | null {
  if ((dependencies ?? []).length > 0) return null
  const given = (variants ?? []) as unknown as Variants
  if (strategies === undefined || strategies.length === 0) return weightOf(given)
  const covering = strategies.findIndex((one) => isForAll(one) && rolloutOf(one) === 1)
  const reached = covering === -1 ? strategies : strategies.slice(0, covering + 1)
  const shares = new Set(reached.map((one) => weightOf(ownVariants(one) ?? given)))
  const [share = null] = shares
  if (shares.size !== 1 || share === null) return null
  if (covering !== -1 && reached.every((one) => rolloutOf(one) === 1)) return share
  const [only] = reached
  if (reached.length !== 1 || only === undefined || !isForAll(only)) return null
  const rollout = rolloutOf(only)
  return rollout === null ? null : rollout * share
}

const isForAll = ({ constraints, segments }: Strategy): boolean =>
  (constraints ?? []).length === 0 && (segments ?? []).length === 0

const ownVariants = ({ variants }: Strategy): Variants | undefined =>
  variants === undefined || variants === null || variants.length === 0 ? undefined : (variants as unknown as Variants)

/** 0 to 1; `null` where it is by something else than chance. */
function rolloutOf({ name, parameters }: Strategy): number | null {
  if (name === 'default') return 1
  const { rollout } = (parameters ?? {}) as Record<string, unknown>
  const percent = name === 'flexibleRollout' ? Number(rollout) : Number.NaN
  return percent >= 0 && percent <= 100 ? percent / 100 : null
}

function weightOf(variants: Variants): number | null {
  if (variants.some(({ overrides }) => (overrides ?? []).length > 0)) return null
  const sum = variants.reduce((all, { weight }) => all + weight, 0)
  const ours = variants.filter(({ name }) => name === DATABASE).reduce((all, { weight }) => all + weight, 0)
  return sum === 0 ? 0 : ours / sum
}
