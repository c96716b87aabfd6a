// The experiment: who was in which arm, and what came to them, told to operators.
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Role } from '../../src/access/roles.ts'
import { flagsFile } from '../support/flags.ts'
import { type Scene, useScenes } from '../support/migration-scene.ts'
import { openSocket, subscribe } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const scene = useScenes()
const AUTH = { AUTH_JWT_SECRET: 'a secret that all instances share, of enough bytes' }
const QUESTION = '{ tokenMetrics { tokens { total } provenance { source reason cohort cache } } }'
const USERS = Array.from({ length: 40 }, (_, i) => `user-${i}`)

async function askedBy({ server }: Scene, user: string, query = QUESTION, roles: readonly Role[] = ['viewer']) {
  const { data, errors } = await server.ask(query, {}, roles, { user })
  if (errors !== undefined) throw new Error(errors[0]?.message)
  return data
}

/** Of an operator. */
async function experimentOf({ server }: Scene) {
  const { data, errors } = await server.ask(
    `{ experiment { flag enabled crossovers sampleRatioP sampleRatioMismatch verdict reason
       arms { cohort expectedShare users questions errorRate fallbackRate cacheHitRate mismatchRate latencyP50Ms }
       differences { measure difference low high verdict reason } } }`,
    {},
    ['operator'],
  )
  if (errors !== undefined) throw new Error(errors[0]?.message)
  return data.experiment
}

const untilDecided = (one: Scene, user = 'probe') =>
  until('the experiment to decide', async () => {
    const { viewer } = await askedBy(one, user, '{ viewer { decision { reason } } }')
    return viewer.decision.reason === 'EXPERIMENT' ? true : undefined
  })
const countsOf = ({ arms }: { arms: { cohort: string; users: number; questions: string }[] }) =>
  Object.fromEntries(arms.map(({ cohort, users, questions }) => [cohort, [users, Number(questions)]]))

describe('users in the experiment', () => {
  test('count once an arm when it decided an answer, also one from the cache, on every instance and over starts', async () => {
    const folder = makeFolder()
    const settings = { ...AUTH, FLAGS_FILE: flagsFile({ dashboard_ab_test: true }) }
    const first = await scene({ folder, settings })
    await first.migrate()
    await untilDecided(first)
    const expected: Record<string, [number, number]> = { legacy: [0, 0], database: [0, 0] }
    for (const round of [1, 2, 3])
      for (const user of USERS) {
        const { cohort } = (await askedBy(first, user)).tokenMetrics.provenance
        const arm = expected[cohort] as [number, number]
        if (round === 1) arm[0]++
        arm[1]++
      }
    const told = await experimentOf(first)
    expect(countsOf(told)).toEqual(expected)
    expect(told).toMatchObject({ flag: 'dashboard_ab_test', enabled: true, crossovers: 0, sampleRatioMismatch: false })
    expect(told.arms).toMatchObject([
      { cohort: 'legacy', expectedShare: 0.9, errorRate: 0, fallbackRate: 0, mismatchRate: null },
      { cohort: 'database', expectedShare: 0.1, errorRate: 0, fallbackRate: 0, mismatchRate: null },
    ])
    for (const { cacheHitRate, latencyP50Ms } of told.arms) {
      expect(cacheHitRate).toBeGreaterThan(0.5)
      expect(latencyP50Ms).toBeGreaterThan(0)
    }
    expect(told.verdict).toBe('WAITING')
    expect(first.server.log()).toContain('the experiment decides for a user today')

    const elsewhere = { ...settings, DATA_DIR: join(folder, 'second') }
    const second = await scene({ folder, write: false, database: first.database, settings: elsewhere })
    await until('the figures on the other instance', async () => {
      const { legacy, database } = countsOf(await experimentOf(second))
      return legacy?.[0] === expected.legacy?.[0] && database?.[0] === expected.database?.[0] ? true : undefined
    })
    await first.server.close()
    const again = await scene({ folder, write: false, database: first.database, settings })
    await until('the figures after the start', async () =>
      JSON.stringify(countsOf(await experimentOf(again))) === JSON.stringify(expected) ? true : undefined,
    )
    await until('all of them on the other instance', async () =>
      JSON.stringify(countsOf(await experimentOf(second))) === JSON.stringify(expected) ? true : undefined,
    )
  })

  test('do not count for what it does not decide: mutations, health, the viewer, explanations, live figures, preferences, the guard', async () => {
    const flags = flagsFile({ dashboard_ab_test: true, real_time_updates_enabled: true })
    const one = await scene({ settings: { FLAGS_FILE: flags } })
    // before the migration it is the threshold that decides
    await askedBy(one, 'early')
    await one.migrate()
    await untilDecided(one)
    await askedBy(one, 'ann', 'mutation { setSourcePreference(preference: LEGACY) { cohort } }')
    expect((await askedBy(one, 'ann')).tokenMetrics.provenance.reason).toBe('USER_PREFERENCE')
    await askedBy(one, 'bob', '{ health { state } viewer { cohort } }')
    await askedBy(one, 'olga', '{ explainDecision(userId: "bob") { cohort } }', ['operator'])
    const socket = await openSocket(one.server.url, await one.server.token(['viewer'], 'liv'))
    socket.send(subscribe('live', 'subscription { tokenMetricsUpdated { provenance { reason } } }'))
    const live = await until('live figures', () => socket.messages.find(({ type }) => type === 'next'))
    expect(live.payload).toMatchObject({ data: { tokenMetricsUpdated: { provenance: { reason: 'EXPERIMENT' } } } })
    await askedBy(one, 'olga', 'mutation { tripGuard(reason: "a drill") { tripped } }', ['operator'])
    expect((await askedBy(one, 'cy')).tokenMetrics.provenance.reason).toBe('GUARD_TRIPPED')
    const told = await experimentOf(one)
    expect(countsOf(told)).toEqual({ legacy: [0, 0], database: [0, 0] })
    expect(told.reason).toBe('the experiment has decided no answer yet')
  })

  test('are told to operators alone, of a time that makes sense', async () => {
    const one = await scene({})
    const { errors } = await one.server.ask('{ experiment { flag } }', {}, ['viewer'])
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' })
    for (const [args, argument] of [
      ['from: "yesterday"', 'from'],
      ['from: "2026-04-02T00:00:00Z", to: "2026-04-01T00:00:00Z"', 'from'],
    ]) {
      const refused = await one.server.ask(`{ experiment(${args}) { flag } }`, {}, ['operator'])
      expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_ARGUMENT', argument })
    }
  })
})
