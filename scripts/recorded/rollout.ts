// Users go over to ClickHouse by the experiment; an incident puts them back on the files, and they come over again.
import type { RunningUnleash } from '../../test/support/unleash.ts'
import { recordIncident } from './incident.ts'
import { indented, type Recording } from './recording.ts'
import { askAll, askAllUntil, guardOf, openScene, operate, type Scene, USERS, wrongOf } from './scene.ts'
import { until } from './waiting.ts'

/** Shares of the arm `database` in percent, and how many of the users are in it, by four standard deviations at the most. */
const RAMP = [
  { percent: 10, least: 1, most: 12 },
  { percent: 50, least: 8, most: 32 },
  { percent: 100, least: 40, most: 40 },
] as const

export async function recordRollout(recording: Recording, unleash: RunningUnleash): Promise<void> {
  const scene = await openScene(recording, unleash)
  const { say, run, expectFrom, server, expected } = scene
  try {
    say(`another server, with a ClickHouse server of its own, answers at ${server.url}`)
    await run(['migrate', 'start'])
    await expectFrom(server, 'CLICKHOUSE', expected, 'migrated')
    await ramp(scene)
    await compareInTheShadow(scene)
    await recordIncident(scene)
    await unleash.toggle('dashboard_ab_test', false)
    await askAllUntil(scene, 'CLICKHOUSE (ROLLOUT)', 'the experiment is over')
  } finally {
    await scene.close()
  }
}

async function ramp(scene: Scene): Promise<void> {
  const { unleash, check, say, run } = scene
  let before = new Set<string>()
  for (const { percent, least, most } of RAMP) {
    await unleash.setDatabaseWeight(percent * 10)
    await unleash.toggle('dashboard_ab_test', true)
    await until(
      `${percent} %`,
      async () => (await operate(scene, '{ experiment { enabled arms { cohort expectedShare } } }')).experiment,
      ({ enabled, arms }) => {
        const arm = arms.find(({ cohort }: { cohort: string }) => cohort === 'database')
        return enabled && arm?.expectedShare === percent / 100
      },
    )
    const all = await askAll(scene)
    const there = new Set(all.filter(({ by }) => by === 'CLICKHOUSE (EXPERIMENT)').map(({ user }) => user))
    check(
      `${percent} % in Unleash: ${there.size} of ${USERS.length} users are answered from ClickHouse, all with the planted figures`,
      there.size >= least && there.size <= most && wrongOf(all) === 0,
    )
    check(
      'and nobody went back',
      [...before].every((user) => there.has(user)),
    )
    before = there
    if (percent === 50) say(`what operators see:\n          ${indented(await run(['experiment'], {}, 'any'))}`)
  }
}

async function compareInTheShadow(scene: Scene): Promise<void> {
  const { unleash, check } = scene
  await unleash.setShadowShare(1)
  await unleash.toggle('shadow_reads_enabled', true)
  const { comparisons, consistency } = await until(
    '20 comparisons',
    async () => {
      for (const user of USERS.slice(0, 5)) await scene.askAs(user)
      return guardOf(scene)
    },
    (guard) => Number(guard.comparisons) >= 20,
  )
  check(`${comparisons} answers compared in the shadow: consistency ${consistency}`, consistency === 1)
}
