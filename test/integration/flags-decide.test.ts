import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { flagsFile } from '../support/flags.ts'
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
})
