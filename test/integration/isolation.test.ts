// The drill: an operator takes an instance out of everything, and lets it back.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { revokeOwnAccess, revokingSql } from '../../src/clickhouse/revoke-access.ts'
import {
  type ClickHouseServer,
  clickhouseSettings,
  PASSWORD,
  startClickHouseServer,
  USER,
} from '../support/clickhouse-server.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { openSocket } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

let clickhouse: ClickHouseServer
beforeAll(async () => {
  clickhouse = await startClickHouseServer()
})
afterAll(() => clickhouse.stop())

const HEALTH = '{ health { state components { name state detail } } }'
const ISOLATE = 'mutation { isolate(reason: "a drill") { isolated by reason databaseAccess sql } }'
const operate = (server: TestServer, query: string) => server.ask(query, {}, ['operator', 'viewer'], { user: 'olga' })
const componentOf = async (server: TestServer, name: string) => {
  const { data } = await operate(server, HEALTH)
  return data.health.components.find((one: { name: string }) => one.name === name)
}
const record = {
  sessionId: 's1',
  project: 'p',
  model: 'm',
  occurredAt: '2026-04-02T00:00:00Z',
  tokens: { input: 1, output: 1 },
}

describe('an isolated bridge', () => {
  let databases = 0
  const start = (folder: string, more: Record<string, string> = {}) =>
    startServer(folder, {
      ...clickhouseSettings(clickhouse.url, `isolated${databases++}`),
      ...more,
    })

  test('answers health alone, follows nothing, publishes nothing, asks no database; over a start, until it rejoins', async () => {
    const folder = makeFolder()
    const settings = { CLICKHOUSE_DATABASE: 'drill', REDIS_URL: process.env.REDIS_URL ?? '' }
    const server = await start(folder, settings)
    await until(
      'it to publish',
      async () => (await componentOf(server, 'publisher')).detail.startsWith('this instance') || undefined,
    )
    const follower = await openSocket(server.url, await server.token(['operator']))
    const { data } = await operate(server, ISOLATE)
    expect(data.isolate).toEqual({
      isolated: true,
      by: 'olga',
      reason: 'a drill',
      databaseAccess: 'KEPT',
      sql: revokingSql({ user: USER }),
    })
    expect((await follower.closed).code).toBe(1013)
    const asked = clickhouse.requests.length
    const refused = async (by: TestServer) => {
      for (const query of [
        '{ tokenMetrics { tokens { total } } }',
        '{ viewer { userId } }',
        '{ auditEntries { edges { cursor } } }',
        'mutation { startMigration { id } }',
      ])
        expect((await operate(by, query)).errors?.[0]?.extensions).toMatchObject({ code: 'ISOLATED' })
      const input = { records: [record] }
      const ingest = 'mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted } }'
      const { errors } = await by.ask(ingest, { input }, ['ingester'])
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'ISOLATED', retryable: true })
      const authorization = `Bearer ${await by.token(['operator'])}`
      expect((await fetch(`${by.url}/metrics`, { headers: { authorization } })).status).toBe(503)
      expect((await fetch(`${by.url}/health/ready`)).status).toBe(503)
      expect((await fetch(`${by.url}/health/live`)).status).toBe(200)
      expect(await componentOf(by, 'isolation')).toMatchObject({
        state: 'DOWN',
        detail: expect.stringContaining('by olga: a drill'),
      })
      // no question is answered
      expect((await operate(by, HEALTH)).data.health.state).toBe('DOWN')
      expect(await componentOf(by, 'clickhouse')).toMatchObject({ state: 'OFF', detail: 'isolated' })
      expect(await componentOf(by, 'redis')).toMatchObject({ state: 'OFF', detail: 'isolated' })
      const socket = await openSocket(by.url, await by.token(['operator']))
      socket.send({
        id: '1',
        type: 'subscribe',
        payload: { query: 'subscription { migrationProgressed(id: 1) { id } }' },
      })
      await until('the refusal', () => JSON.stringify(socket.messages).includes('ISOLATED') || undefined)
      socket.socket.terminate()
    }
    await refused(server)
    await server.close()
    const again = await start(folder, settings)
    await refused(again)
    expect(clickhouse.requests.length).toBe(asked)
    for (const roles of [['viewer'], ['ingester'], ['scraper']] as const) {
      const { errors } = await again.ask('mutation { rejoin { isolated } }', {}, roles)
      expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN')
    }
    // not only is the answer withheld: nothing was done
    expect((await componentOf(again, 'isolation')).state).toBe('DOWN')
    expect((await operate(again, 'mutation { rejoin { isolated databaseAccess sql } }')).data.rejoin).toEqual({
      isolated: false,
      databaseAccess: 'KEPT',
      sql: null,
    })
    expect((await operate(again, '{ tokenMetrics { tokens { total } } }')).errors).toBeUndefined()
    await until(
      'it to publish again',
      async () => (await componentOf(again, 'publisher')).detail.startsWith('this instance') || undefined,
    )
    const entries = await operate(
      again,
      '{ auditEntries(who: "olga", action: "mutation isolate") { edges { node { detail outcome } } } }',
    )
    expect(entries.data.auditEntries.edges).toEqual([{ node: { detail: 'reason=a drill', outcome: 'ok' } }])
  })

  test('lets another instance publish', async () => {
    const folder = makeFolder()
    const settings = { CLICKHOUSE_DATABASE: 'handover' }
    const first = await start(folder, { ...settings, DATA_DIR: join(folder, 'first') })
    await until(
      'the first to publish',
      async () => (await componentOf(first, 'publisher')).detail.startsWith('this instance') || undefined,
    )
    const second = await start(folder, { ...settings, DATA_DIR: join(folder, 'second') })
    await operate(first, ISOLATE)
    await until(
      'the second to publish',
      async () => (await componentOf(second, 'publisher')).detail.startsWith('this instance') || undefined,
    )
  })

  test('says over a start that its access was taken away, where the server has done that, and asks no more for it', async () => {
    const folder = makeFolder()
    const settings = { CLICKHOUSE_DATABASE: 'revoked' }
    const server = await start(folder, settings)
    clickhouse.failNext('revoke-own-access', 'answered')
    const revoked = { databaseAccess: 'REVOKED', sql: null }
    expect((await operate(server, ISOLATE)).data.isolate).toMatchObject(revoked)
    const asked = () => clickhouse.requests.filter(({ name }) => name.startsWith('revoke-own')).length
    const before = asked()
    await server.close()
    const again = await start(folder, settings)
    expect((await operate(again, ISOLATE)).data.isolate).toMatchObject(revoked)
    expect(asked()).toBe(before)
    // whether an administrator gave it back the next question shows
    expect((await operate(again, 'mutation { rejoin { isolated databaseAccess } }')).data.rejoin).toEqual({
      isolated: false,
      databaseAccess: 'KEPT',
    })
  })

  test('tries its grants where it may not alter its user, which would be enough', async () => {
    const user = { url: clickhouse.url, user: USER, password: PASSWORD, database: 'default' }
    clickhouse.failNext('revoke-own-access', { code: 497, name: 'ACCESS_DENIED' })
    clickhouse.failNext('revoke-own-grants', 'answered')
    expect(await revokeOwnAccess(user)).toBe(true)
    expect(clickhouse.requests.slice(-2).map(({ name }) => name)).toEqual(['revoke-own-access', 'revoke-own-grants'])
  })

  test('asks an administrator where its user may not take its own access away', async () => {
    const server = { url: clickhouse.url, user: USER, password: PASSWORD, database: 'default' }
    expect(await revokeOwnAccess(server)).toBe(false)
    expect(revokingSql({ user: 'a`b\\c' })).toBe('ALTER USER `a\\`b\\\\c` HOST NONE')
  })
})
