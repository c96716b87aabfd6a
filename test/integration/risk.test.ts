// The risk watch of a real server, over a real ClickHouse.
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { HEALTH_EVERY_MS } from '../../src/policies/policies.ts'
import type { IndicatorName } from '../../src/risk/indicators.ts'
import { makeKey, startKeyServer } from '../support/key-server.ts'
import { type Scene, useScenes } from '../support/migration-scene.ts'
import { SHIPPED, says, startOddUnleash } from '../support/odd-unleash.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'
import { WRONG_ROW } from '../support/wrong-row.ts'

const scene = useScenes()
const RISKS =
  '{ risks { number title category probability impact runbook indicators { name value unit alarmLine threshold severity state measuredAt source } } }'

interface Told {
  name: string
  value: number | null
  state: string
  measuredAt: string | null
  source: string
}

async function indicators(server: TestServer): Promise<Map<string, Told>> {
  const { data } = await server.ask(RISKS, {}, ['operator'])
  return new Map(data.risks.flatMap((risk: { indicators: Told[] }) => risk.indicators.map((one) => [one.name, one])))
}
const stateOf = async ({ server }: Pick<Scene, 'server'>, name: IndicatorName) =>
  (await indicators(server)).get(name)?.state

function small(): string {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })] })
  return folder
}

describe('operators', () => {
  test('see the seven risks with what was measured, and what was not', async () => {
    const one = await scene()
    await one.migrate()
    const { data } = await one.server.ask(RISKS, {}, ['operator'])
    expect(
      data.risks.map(({ number, probability, impact }: Record<string, unknown>) => [number, probability, impact]),
    ).toEqual([
      [1, 6, 'Critical'],
      [2, 7, 'High'],
      [3, 8, 'Critical'],
      [4, 5, 'High'],
      [5, 4, 'Critical'],
      [6, 6, 'High'],
      [7, 7, 'Medium'],
    ])
    // the second look knows how busy the database was since the first
    const told = await until('the processor time of the database', async () => {
      const found = await indicators(one.server)
      return found.get('database_cpu')?.value === null ? undefined : found
    })
    expect(told.get('verification_difference')).toMatchObject({ value: 0, state: 'OK' })
    expect(told.get('token_count_variance')).toMatchObject({ value: 0, state: 'OK' })
    expect(told.get('validation_failure_rate')).toMatchObject({ value: 0, state: 'OK' })
    expect(told.get('database_unreachable')).toMatchObject({ value: 0, state: 'OK' })
    for (const name of ['journal_disk', 'database_disk']) expect(told.get(name)?.value, name).toBeGreaterThan(0)
    expect(told.get('test_coverage')).toMatchObject({
      value: null,
      state: 'UNKNOWN',
      measuredAt: null,
      source: expect.stringMatching(/^entered: /),
    })
  })

  test('see a verification that finds a wrong row, and that it is repaired', async () => {
    const one = await scene()
    const id = await one.migrate()
    await one.harm(WRONG_ROW)
    await one.server.ask(`mutation { verifyMigration(id: "${id}") { state } }`, {}, ['operator'])
    await until('the difference', async () =>
      (await stateOf(one, 'verification_difference')) === 'BREACHED' ? true : undefined,
    )
    await one.operate(`repairMigration(id: "${id}", dryRun: false) { migration { state } }`)
    await until('the repair', async () => ((await stateOf(one, 'verification_difference')) === 'OK' ? true : undefined))
  })

  test('see that the database is away', async () => {
    const server = await startServer(small(), { CLICKHOUSE_URL: 'http://127.0.0.1:9' })
    await until('that it is away', async () => {
      const { value } = (await indicators(server)).get('database_unreachable') as Told
      return value !== null && value > 0 ? true : undefined
    })
    expect((await indicators(server)).get('database_cpu')).toMatchObject({ state: 'UNKNOWN' })
  })

  test('see which dependency answers late, and which does not answer', async () => {
    const keys = await startKeyServer(await makeKey('ES256', 'one'))
    const [redis, unleash, jwks] = await Promise.all(
      [inject('redisUrl'), (await startOddUnleash(says(SHIPPED))).url, keys.url].map(startProxy),
    )
    // what is asked every half minute is asked as soon as the test says so
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const server = await startServer(small(), {
      REDIS_URL: redis?.url as string,
      UNLEASH_URL: unleash?.url as string,
      UNLEASH_API_TOKEN: 'a token',
      UNLEASH_REFRESH_INTERVAL_MS: '1000',
      AUTH_JWKS_URL: jwks?.url as string,
      AUTH_AUDIENCE: 'us',
      AUTH_JWT_SECRET: 'a secret of at least thirty-two bytes',
    })
    const are = (what: string, fits: (told: Told) => boolean) =>
      until(what, async () => {
        vi.advanceTimersByTime(HEALTH_EVERY_MS)
        const told = await indicators(server)
        return ['cache_latency', 'flags_latency', 'keys_latency'].every((name) => fits(told.get(name) as Told))
          ? told
          : undefined
      })
    await are('all to answer soon', ({ state, value }) => state === 'OK' && value !== null && value > 0)
    for (const proxy of [redis, unleash, jwks]) proxy?.delay(150)
    const late = await are('all to be late', ({ state, value }) => state === 'ALARM' && Number(value) >= 150)
    expect(late.get('keys_latency')?.source).toContain(`(${new URL(jwks?.url as string).host})`)
    for (const proxy of [redis, unleash, jwks]) proxy?.delay(0)
    await are('all to be well again', ({ state }) => state === 'OK')
    for (const proxy of [redis, unleash, jwks]) await proxy?.cut()
    await are('none to answer', ({ state, value }) => state === 'ALARM' && Number(value) >= 1000)
  })

  test('enter what cannot be measured into a file, which is read each time', async () => {
    const folder = small()
    const path = join(folder, 'figures.json')
    const at = new Date(Date.now() - 1000).toISOString()
    writeFileSync(path, JSON.stringify({ test_coverage: { value: 0.93, at, by: 'CI' } }))
    const server = await startServer(folder, { RISK_FIGURES_FILE: path })
    expect((await indicators(server)).get('test_coverage')).toMatchObject({ value: 0.93, state: 'ALARM' })
    writeFileSync(path, '{')
    expect((await indicators(server)).get('test_coverage')).toMatchObject({ state: 'UNKNOWN' })
    expect(server.log()).toContain('figures that are entered cannot be read')
    rmSync(path)
    expect((await indicators(server)).get('test_coverage')).toMatchObject({ state: 'UNKNOWN' })
  })

  test('are answered though that file is a pipe, a folder, or large', async () => {
    const folder = small()
    const paths = { pipe: join(folder, 'pipe'), folder, large: join(folder, 'large.json') }
    execFileSync('mkfifo', [paths.pipe])
    writeFileSync(paths.large, ' '.repeat(2 << 20))
    for (const [what, path] of Object.entries(paths)) {
      const server = await startServer(folder, { RISK_FIGURES_FILE: path, DATA_DIR: join(folder, `data-${what}`) })
      expect((await indicators(server)).get('test_coverage'), what).toMatchObject({ state: 'UNKNOWN' })
      expect(server.log(), what).toMatch(/it is no file|it has more than 1 MiB/)
      await server.close()
    }
  })

  test('see bad tokens and failing calls counted', async () => {
    const server = await startServer(small())
    expect((await indicators(server)).get('authentication_failures')).toMatchObject({ value: 0 })
    await fetch(`${server.url}/graphql`, { method: 'POST', headers: { authorization: 'Bearer x' } })
    await server.ask('{ risks { number } }', {}, ['viewer'])
    await until('two', async () =>
      (await indicators(server)).get('authentication_failures')?.value === 2 ? true : undefined,
    )
    for (let i = 0; i < 20; i++) await server.ask('{ viewer { userId } }')
    expect((await indicators(server)).get('api_error_rate')).toMatchObject({ value: 0, state: 'OK' })
    expect((await indicators(server)).get('dashboard_answer_time')?.value).toBeGreaterThan(0)
  })

  test('alone see them, on /metrics too', async () => {
    const server = await startServer(small())
    const { errors } = await server.ask(RISKS)
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' })
    await indicators(server)
    const answer = await fetch(`${server.url}/metrics`, {
      headers: { authorization: `Bearer ${await server.token(['operator'])}` },
    })
    const body = await answer.text()
    expect(body).toMatch(/^token_bridge_risk_indicator_value\{indicator="journal_disk"\} 0\.\d+$/m)
    expect(body).toContain('token_bridge_risk_indicator_state{indicator="test_coverage",state="UNKNOWN"} 1')
    expect(body).not.toContain('token_bridge_risk_indicator_value{indicator="test_coverage"}')
    expect(body).toContain('token_bridge_risk_indicator_threshold{indicator="storage_response_time"} 180')
  })
})
