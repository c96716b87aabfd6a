import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../src/clickhouse/database.ts'
import { takeRightToPublish } from '../../src/clickhouse/record-store.ts'
import { takeLease } from '../../src/redis/lease.ts'
import { type ClickHouseServer, PASSWORD, startClickHouseServer, USER } from '../support/clickhouse-server.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

let clickhouse: ClickHouseServer
beforeAll(async () => {
  clickhouse = await startClickHouseServer()
})
afterAll(() => clickhouse.stop())

async function bridge(database: string, settings: Record<string, string> = {}): Promise<TestServer> {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' }), line({ id: 'msg_2' })] })
  return startServer(folder, {
    CLICKHOUSE_URL: clickhouse.url,
    CLICKHOUSE_USER: USER,
    CLICKHOUSE_PASSWORD: PASSWORD,
    CLICKHOUSE_DATABASE: database,
    ...settings,
  })
}

const start = (server: TestServer) => server.ask('mutation { startMigration { id } }', {}, ['operator'])
const answered = (server: TestServer, source: string, total: string) =>
  until(`${total} tokens from ${source}`, async () => {
    const { data } = await server.ask('{ tokenMetrics { tokens { total } provenance { source } } }')
    const { tokens, provenance } = data.tokenMetrics
    return tokens.total === total && provenance.source === source ? true : undefined
  })
const databaseOf = async (server: TestServer): Promise<{ state: string; detail: string }> => {
  const { data } = await server.ask('{ health { components { name state detail } } }', {}, ['operator'])
  return data.health.components.find(({ name }: { name: string }) => name === 'clickhouse')
}

describe('the lease', () => {
  test('is for one of several bridges with one database: a second run is impossible until the first bridge is gone', async () => {
    const redis = { REDIS_URL: inject('redisUrl') }
    const first = await bridge('leased', redis)
    const second = await bridge('leased', redis)
    expect(await databaseOf(second)).toMatchObject({
      state: 'DOWN',
      detail: expect.stringContaining('publishes to this database'),
    })
    expect((await start(second)).errors?.[0]?.extensions).toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
    expect((await start(first)).errors).toBeUndefined()
    await answered(first, 'CLICKHOUSE', '4')
    await answered(second, 'LEGACY', '4')
    await first.close()
    await until('the second to take over', async () => ((await start(second)).errors === undefined ? true : undefined))
    // the same records from another machine are the same records
    await answered(second, 'CLICKHOUSE', '4')
  })

  test('that was taken by somebody else stops whoever stalled: it publishes nothing, and is on the files until it has it again', async () => {
    const server = await bridge('fenced')
    await start(server)
    await answered(server, 'CLICKHOUSE', '4')
    const db = await openDatabase({
      url: clickhouse.url,
      user: USER,
      password: PASSWORD,
      database: 'fenced',
      folder: '',
    })
    onTestFinished(() => db.close())
    await takeRightToPublish(db, 'another host')
    const record = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 96, output: 0 } }`
    await server.ask(`mutation { ingestTokenRecords(input: { records: [${record}] }) { accepted } }`, {}, ['ingester'])
    await until('it to notice', async () =>
      (await databaseOf(server)).detail.includes('another host') ? true : undefined,
    )
    await answered(server, 'LEGACY', '100')
    expect(server.log()).toContain('another bridge publishes')
    await answered(server, 'CLICKHOUSE', '100')
  })

  test('is renewed while its holder lives, told when it is lost, and given back', async () => {
    const proxy = await startProxy(inject('redisUrl'))
    const lost: string[] = []
    const ask = (holder: string, redisUrl = inject('redisUrl')) =>
      takeLease({ redisUrl, name: 'test', holder, onLost: (by) => lost.push(by), ttlMs: 2000 })
    const redisUrl = proxy.url.replace(/^http/, 'redis')
    const first = await ask('first', redisUrl)
    if (first.kind !== 'taken') throw new Error(first.kind)
    onTestFinished(() => first.release())
    let refused = 0
    // several times as long as it lasts without being renewed
    for (const end = Date.now() + 5000; Date.now() < end; refused++)
      expect(await ask('second')).toEqual({ kind: 'held', by: 'first' })
    expect(refused).toBeGreaterThan(0)
    await proxy.cut()
    const second = await until('the lease to run out', async () => {
      const answer = await ask('second')
      return answer.kind === 'taken' ? answer : undefined
    })
    await proxy.restore()
    await until('the first to hear of it', () => (lost.includes('second') ? true : undefined))
    await second.release()
    const third = await ask('third')
    if (third.kind !== 'taken') throw new Error(third.kind)
    await third.release()
    expect((await ask('fourth', 'redis://127.0.0.1:1')).kind).toBe('unreachable')
  })
})
