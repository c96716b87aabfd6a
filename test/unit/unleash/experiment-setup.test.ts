import { Unleash } from 'unleash-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DefinitionsRepository, parseDefinitions } from '../../../src/unleash/definitions.ts'
import { createExperimentFlag, startSilentClient } from '../../../src/unleash/experiment-setup.ts'
import { createProblems } from '../../../src/unleash/problems.ts'
import { createUserFlags } from '../../../src/unleash/user-flags.ts'

const ANN = { userId: 'ann', roles: ['viewer'] }
const VARIANTS = [
  { name: 'legacy', weight: 900 },
  { name: 'database', weight: 100 },
]
const STAFF = [{ contextName: 'userId', operator: 'IN', values: ['ann'] }]
const rollout = (percent: number, more: object = {}) => ({
  name: 'flexibleRollout',
  parameters: { rollout: String(percent), stickiness: 'userId', groupId: 'dashboard_ab_test' },
  variants: VARIANTS,
  ...more,
})
const experiment = (strategies: object[], more: object = {}) => ({
  name: 'dashboard_ab_test',
  enabled: true,
  impressionData: true,
  strategies,
  ...more,
})

async function scene(features: object[]) {
  const repository = new DefinitionsRepository()
  repository.set(parseDefinitions(JSON.stringify({ features })))
  const counting = new Unleash({
    appName: 'token-bridge',
    url: 'http://unleash.invalid',
    repository,
    disableAutoStart: true,
    skipInstanceCountWarning: true,
  })
  await counting.start()
  const silent = await startSilentClient(repository)
  onTestFinished(() => {
    counting.destroy()
    silent.destroy()
  })
  const impressions: object[] = []
  const counted: string[] = []
  counting.on('count', (name, isEnabled) => counted.push(`${name} ${isEnabled}`))
  const countVariant = counting.countVariant.bind(counting)
  counting.countVariant = (name, variant) => {
    counted.push(`${name} ${variant}`)
    countVariant(name, variant)
  }
  const problems = createProblems({ onProblem() {}, onSolved() {} })
  return {
    flag: createExperimentFlag(counting, repository, { onImpression: (told) => impressions.push(told) }),
    of: createUserFlags(counting, repository, problems, {}, silent),
    impressions,
    counted: () => counted.filter((told) => told.startsWith('dashboard_ab_test')),
  }
}

describe('the share of users whom the experiment puts into the arm database', () => {
  test.each([
    ['the weights', [experiment([rollout(100)])], 0.1],
    ['the rollout, too, outside of which everybody is in legacy', [experiment([rollout(50)])], 0.05],
    ['variants of the flag itself', [experiment([{ name: 'default' }], { variants: VARIANTS })], 0.1],
    ['no strategy', [experiment([], { variants: VARIANTS })], 0.1],
    ['no variants', [experiment([rollout(100, { variants: [] })])], 0],
    ['no flag', [], 0],
    [
      'staff first, with other weights',
      [experiment([rollout(100, { constraints: STAFF, variants: [{ name: 'database', weight: 1 }] }), rollout(100)])],
      null,
    ],
    ['staff first, with the same weights', [experiment([rollout(100, { constraints: STAFF }), rollout(100)])], 0.1],
    ['staff alone', [experiment([rollout(100, { constraints: STAFF })])], null],
    ['a strategy that is reached by nobody', [experiment([rollout(100), rollout(10)])], 0.1],
    ['users by name', [experiment([{ name: 'userWithId', parameters: { userIds: 'ann' }, variants: VARIANTS }])], null],
    ['another flag', [experiment([rollout(100)], { dependencies: [{ feature: 'other' }] })], null],
  ])('follows from %s', async (_what, features, share) => {
    const { flag } = await scene(features)
    expect(flag.experiment()).toEqual({ enabled: features.length > 0, share })
  })
})

describe('the arm of a user', () => {
  test('is counted where it decides, and nowhere else, and told as an impression once a day and arm', async () => {
    const { flag, of, impressions, counted } = await scene([experiment([rollout(100)])])
    const { cohort } = of('ann')
    expect(cohort).toBe('legacy')
    for (const user of ['bob', 'cy']) of(user)
    expect(counted()).toEqual([])
    expect(impressions).toEqual([])
    flag.noteExposure(ANN, 'legacy', true)
    flag.noteExposure(ANN, 'legacy', false)
    expect(counted()).toEqual([
      'dashboard_ab_test legacy',
      'dashboard_ab_test true',
      'dashboard_ab_test true',
      'dashboard_ab_test legacy',
    ])
    expect(impressions).toEqual([{ userId: 'ann', variant: 'legacy' }])
  })
})
