import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Role } from '../../src/access/roles.ts'
import { constrainedFlagsFile, flagsFile, forRole } from '../support/flags.ts'
import { startServer } from '../support/server.ts'
import { ask, history, migrate, untilSource, WITH_DATABASE } from '../support/small-history.ts'
import { until } from '../support/until.ts'

describe('the flags', () => {
  test('the kill switch puts everybody on legacy at once, and back', async () => {
    const path = flagsFile()
    const server = await startServer(history(), { ...WITH_DATABASE, FLAGS_FILE: path })
    await migrate(server)
    const { figures } = await untilSource(server, 'CLICKHOUSE')
    flagsFile({ database_bridge_enabled: false }, path)
    const legacy = await untilSource(server, 'LEGACY')
    expect(legacy.provenance.reason).toBe('BRIDGE_DISABLED')
    expect(legacy.figures).toEqual(figures)
    writeFileSync(path, '{ not a flags file')
    await until('the file to be told as a problem', async () => {
      const { data } = await server.ask('{ health { components { name state detail } } }', {}, ['operator'])
      const flags = data.health.components.find((c: { name: string }) => c.name === 'unleash')
      return flags.state === 'DEGRADED' ? true : undefined
    })
    expect((await ask(server)).provenance.reason).toBe('BRIDGE_DISABLED')
    flagsFile({}, path)
    await untilSource(server, 'CLICKHOUSE')
  })

  test('history can be kept on legacy while what follows the cut-over is not', async () => {
    const path = flagsFile({ historical_data_enabled: false })
    const server = await startServer(history(), { ...WITH_DATABASE, FLAGS_FILE: path })
    const { startedAt } = await migrate(server)
    expect((await ask(server)).provenance).toMatchObject({ source: 'LEGACY', reason: 'HISTORICAL_DATA_DISABLED' })
    await until('ClickHouse to answer what is not history', async () => {
      const { provenance } = await ask(server, { filter: { from: startedAt } })
      return provenance.source === 'CLICKHOUSE' && provenance.reason === 'ROLLOUT' ? true : undefined
    })
  })

  test('staff may be first: an operator is on ClickHouse while the same user as a viewer is not, also from the cache', async () => {
    const path = constrainedFlagsFile('database_bridge_enabled', [forRole('operator')])
    const server = await startServer(history(), { ...WITH_DATABASE, FLAGS_FILE: path })
    await migrate(server)
    await untilSource(server, 'CLICKHOUSE')
    const question = '{ tokenMetrics { tokens { total } provenance { source reason } } }'
    const totals = new Set<string>()
    // each time after the other one's answer was kept
    for (let i = 0; i < 3; i++)
      for (const [roles, provenance] of [
        [['viewer'], { source: 'LEGACY', reason: 'BRIDGE_DISABLED' }],
        [['viewer', 'operator'], { source: 'CLICKHOUSE', reason: 'ROLLOUT' }],
      ] as const) {
        const { data } = await server.ask(question, {}, roles, { user: 'ann' })
        expect(data.tokenMetrics.provenance).toEqual(provenance)
        totals.add(data.tokenMetrics.tokens.total)
      }
    expect(totals.size).toBe(1)
    const explain = `query ($roles: [String!]!) { explainDecision(userId: "ann", roles: $roles) { decision { source } } }`
    const of = async (roles: string[]) => (await server.ask(explain, { roles }, ['operator'])).data.explainDecision
    expect(await of(['viewer'])).toEqual({ decision: { source: 'LEGACY' } })
    expect(await of(['operator', 'viewer'])).toEqual({ decision: { source: 'CLICKHOUSE' } })
    expect((await server.ask(explain, { roles: ['boss'] }, ['operator'])).errors?.[0]?.extensions).toMatchObject({
      code: 'INVALID_ARGUMENT',
      argument: 'roles',
    })
  })

  test('a user’s own choice is kept, also over a restart, and counts where the flag allows it', async () => {
    const folder = history()
    const path = flagsFile()
    const settings = { ...WITH_DATABASE, FLAGS_FILE: path }
    const first = await startServer(folder, settings)
    await migrate(first)
    await untilSource(first, 'CLICKHOUSE')
    const choose = 'mutation { setSourcePreference(preference: LEGACY) { preference decision { source reason } } }'
    const { data } = await first.ask(choose)
    expect(data.setSourcePreference).toEqual({
      preference: 'LEGACY',
      decision: { source: 'LEGACY', reason: 'USER_PREFERENCE' },
    })
    await first.close()
    const second = await startServer(folder, settings)
    const viewer = '{ viewer { preference decision { source reason } } }'
    await until('the migration to be known', async () => {
      const answer = await second.ask(viewer)
      return answer.data.viewer.decision.reason === 'USER_PREFERENCE' ? true : undefined
    })
    flagsFile({ user_source_choice_enabled: false }, path)
    await until('the choice to count no more', async () => {
      const answer = await second.ask(viewer)
      return answer.data.viewer.decision.reason === 'ROLLOUT' ? true : undefined
    })
    const { errors } = await second.ask(choose)
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN')
    const reset = await second.ask('mutation { setSourcePreference(preference: AUTO) { preference } }')
    expect(reset.data.setSourcePreference.preference).toBe('AUTO')
  })

  test('an operator is told of anybody why which source answers them, as they are told themselves', async () => {
    const path = flagsFile({ dashboard_ab_test: true, historical_data_enabled: false })
    const server = await startServer(history(), { ...WITH_DATABASE, FLAGS_FILE: path })
    const { startedAt } = await migrate(server)
    const explain = (userId: string, from: string | null, roles: readonly Role[] = ['operator']) =>
      server.ask(
        `query ($userId: ID!, $from: DateTime) { explainDecision(userId: $userId, filter: { from: $from }) {
           decision { source reason } cohort text facts { name value } } }`,
        { userId, from },
        roles,
      )
    await until('the migration to be known', async () => {
      const { data } = await explain('ann', startedAt)
      return data.explainDecision.decision.reason === 'EXPERIMENT' ? true : undefined
    })
    const cohorts = new Set<string>()
    for (let i = 0; i < 40; i++) {
      const user = `user-${i}`
      for (const from of [startedAt, null]) {
        const { explainDecision } = (await explain(user, from)).data
        const { data } = await server.ask(
          'query ($from: DateTime) { tokenMetrics(filter: { from: $from }) { provenance { source reason cohort } } }',
          { from },
          ['viewer'],
          { user },
        )
        const { decision, cohort } = explainDecision
        expect({ ...decision, cohort }).toEqual(data.tokenMetrics.provenance)
        if (cohort !== null) cohorts.add(cohort)
      }
    }
    expect([...cohorts].sort()).toEqual(['database', 'legacy'])
    const { text, facts } = (await explain('ann', null)).data.explainDecision
    expect(text).toContain('HISTORICAL_DATA_DISABLED')
    expect(facts).toContainEqual({ name: 'historical_data_enabled', value: 'off' })
    expect((await explain('ann', null, ['viewer'])).errors?.[0]?.extensions.code).toBe('FORBIDDEN')
    expect((await explain('a\nb', null)).errors?.[0]?.extensions).toMatchObject({
      code: 'INVALID_ARGUMENT',
      argument: 'userId',
    })
  })
})
