import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type ClickHouseServer, clickhouseSettings, startClickHouseServer } from '../support/clickhouse-server.ts'
import { startServer } from '../support/server.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

let clickhouse: ClickHouseServer
beforeAll(async () => {
  clickhouse = await startClickHouseServer()
})
afterAll(() => clickhouse.stop())

const QUESTION =
  '{ tokenMetrics { tokens { total } provenance { source reason cache } } health { state components { name state detail } } }'

describe('a ClickHouse server that goes away', () => {
  test('costs nobody an answer: the files answer the whole, records are journaled, and all is shipped when it is back', async () => {
    const proxy = await startProxy(clickhouse.url)
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' }), line({ id: 'msg_2' })] })
    const server = await startServer(folder, clickhouseSettings(proxy.url))
    const { data: started } = await server.ask('mutation { startMigration { id } }', {}, ['operator'])
    // the breaker may be open for 30 seconds
    const from = (source: string, total: string) =>
      until(
        `${total} tokens from ${source}`,
        async () => {
          const { data } = await server.ask(QUESTION)
          const { tokens, provenance } = data.tokenMetrics
          return tokens.total === total && provenance.source === source
            ? { provenance, health: data.health }
            : undefined
        },
        300,
      )
    await from('CLICKHOUSE', '4')
    await until('the end of the run', async () => {
      const { data: now } = await server.ask('{ migration { state } }', {}, ['operator'])
      return now.migration.state === 'COMPLETED' ? true : undefined
    })
    await proxy.cut()
    const records = [1, 2, 3].map((n) => ({
      sessionId: 's',
      project: 'p',
      model: 'm',
      occurredAt: '2026-04-02T09:15:03Z',
      tokens: { input: 10, output: 0 },
      messageId: `msg_away_${n}`,
    }))
    const { data } = await server.ask(
      'mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted durability } }',
      { input: { records } },
      ['ingester'],
    )
    expect(data.ingestTokenRecords).toEqual({ accepted: 3, durability: 'JOURNALED' })
    const verify = `mutation { verifyMigration(id: "${started.startMigration.id}") { state } }`
    const refused = await server.ask(verify, {}, ['operator'])
    expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'SOURCE_UNAVAILABLE', retryable: true })
    const away = await from('LEGACY', '34')
    expect(away.provenance).toMatchObject({ source: 'LEGACY', reason: 'SOURCE_UNAVAILABLE' })
    await until('the problem to be told', async () => {
      const { health } = (await server.ask(QUESTION)).data
      const state = health.components.find(({ name }: { name: string }) => name === 'clickhouse')?.state
      return state === 'DEGRADED' && health.state === 'DEGRADED' ? true : undefined
    })
    await proxy.restore()
    await from('CLICKHOUSE', '34')
  }, 400_000)

  test('holds up whoever publishes no longer than it is away, however long they waited before', async () => {
    const proxy = await startProxy(clickhouse.url)
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })] })
    const server = await startServer(folder, clickhouseSettings(proxy.url, 'back'))
    const publishes = 'this instance publishes to the database'
    await until('it to publish', () => server.log().includes(publishes) || undefined)
    await proxy.cut()
    const record = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 96, output: 0 } }`
    await server.ask(`mutation { ingestTokenRecords(input: { records: [${record}] }) { accepted } }`, {}, ['ingester'])
    // the sixth wait is of 8 seconds at least
    await until('several attempts', () => server.log().split('shipping stopped for a while').length > 6 || undefined)
    const before = clickhouse.requests.length
    await proxy.restore()
    const since = () => clickhouse.requests.slice(before).map(({ name }) => name)
    await until('it to be shipped', () => since().includes('write-batches') || undefined)
    // one every two seconds
    const beats = since().slice(0, since().indexOf('write-batches'))
    expect(beats.filter((name) => name === 'heartbeat').length).toBeLessThanOrEqual(2)
  })

  test('begins no run of which it was told that it failed, when it is back', async () => {
    const proxy = await startProxy(clickhouse.url)
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })] })
    const server = await startServer(folder, clickhouseSettings(proxy.url, 'failed_start'))
    const start = () => server.ask('mutation { startMigration { id } }', {}, ['operator'])
    await proxy.cut()
    const { errors } = await start()
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'SOURCE_UNAVAILABLE', retryable: true })
    await proxy.restore()
    const id = await until('a run to be begun', async () => (await start()).data?.startMigration.id)
    await until('its end', async () => {
      const { data } = await server.ask('{ migration { id state } }', {}, ['operator'])
      return data.migration?.state === 'COMPLETED' && data.migration.id === id ? true : undefined
    })
    const runs = new Set([...server.log().matchAll(/"migration":"([^"]+)"/g)].map(([, run]) => run))
    expect([...runs]).toEqual([id])
  })

  test('or takes statements and answers none, holds up a few questions to their deadline, and then nobody', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })] })
    const server = await startServer(folder, clickhouseSettings(clickhouse.url, 'stalled'))
    await server.ask('mutation { startMigration { id } }', {}, ['operator'])
    let questions = 0
    /** Asks what nobody asked before. */
    const ask = async (user: string): Promise<string> => {
      const from = new Date(Date.UTC(2000, 0, 1) + questions++).toISOString()
      const query = `{ tokenMetrics(filter: { from: "${from}" }) { tokens { total } provenance { source reason } } }`
      const { tokens, provenance } = (await server.ask(query, {}, ['viewer'], { user })).data.tokenMetrics
      expect(tokens.total).toBe('2')
      return `${provenance.source} ${provenance.reason}`
    }
    const fromDatabase = () =>
      until('ClickHouse to answer', async () => ((await ask('ann')).startsWith('CLICKHOUSE') ? true : undefined))
    await until('the run to end', async () => {
      const { data } = await server.ask('{ migration { state } }', {}, ['operator'])
      return data.migration.state === 'COMPLETED' ? true : undefined
    })
    await fromDatabase()
    clickhouse.stall(true)
    onTestFinished(() => clickhouse.stall(false))
    // of each user two are asked at once
    const held = await Promise.all(['ann', 'ann', 'bob', 'bob', 'cid'].map(ask))
    expect(held).toEqual(held.map(() => 'LEGACY SOURCE_UNAVAILABLE'))
    // the first statement of an answer asks whether there are sums
    const put = () => clickhouse.requests.filter(({ name }) => name === 'filled-sums').length
    const before = put()
    expect(before).toBeGreaterThan(held.length)
    for (let i = 0; i < 20; i++) expect(await ask(`user-${i}`)).toBe('LEGACY SOURCE_UNAVAILABLE')
    expect(put()).toBe(before)
    clickhouse.stall(false)
    await fromDatabase()
  })

  test('is asked how it is every 30 seconds, and by nobody who asks for health', async () => {
    const folder = makeFolder()
    const server = await startServer(folder, clickhouseSettings(clickhouse.url, 'health'))
    let before = clickhouse.requests.length
    const asked = () => clickhouse.requests.slice(before).filter(({ name }) => name === 'health').length
    const told = async () => {
      const { data } = await server.ask('{ health { components { name state ageSeconds } } }')
      return Object.fromEntries(data.health.components.map((one: { name: string }) => [one.name, one]))
    }
    let oldest = 0
    let last = 0
    await until(
      'it to be asked',
      async () => {
        const { clickhouse: now, ...others } = await told()
        expect(now.state).toBe('UP')
        // this process, and what is off
        for (const one of Object.values(others)) expect(one).toMatchObject({ ageSeconds: null })
        const answered = now.ageSeconds < last
        if (answered && asked() > 0) return true
        // what was asked at the start, before anything was counted here, is answered only now
        if (answered) before = clickhouse.requests.length
        last = now.ageSeconds
        oldest = answered ? last : Math.max(oldest, last)
        // it may have been asked just now, and not have answered yet
        expect(asked()).toBeLessThanOrEqual(1)
        return undefined
      },
      120,
    )
    expect(asked()).toBe(1)
    expect(oldest).toBeGreaterThan(20)
  })

  test('that is not there at the start leaves everybody on legacy, and is used once it is', async () => {
    const proxy = await startProxy(clickhouse.url)
    await proxy.cut()
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' })] })
    const server = await startServer(folder, clickhouseSettings(proxy.url, 'later'))
    const { data } = await server.ask(QUESTION)
    expect(data.tokenMetrics).toMatchObject({
      tokens: { total: '2' },
      provenance: { source: 'LEGACY', reason: 'SOURCE_UNAVAILABLE' },
    })
    const asked = await server.ask('{ migration { id } }', {}, ['operator'])
    expect(asked.data).toEqual({ migration: null })
    expect(asked.errors?.[0]).toMatchObject({
      message: expect.stringMatching(/^the database cannot be used now: ./),
      extensions: { code: 'SOURCE_UNAVAILABLE', retryable: true },
    })
    const refused = await server.ask('mutation { startMigration { id } }', {}, ['operator'])
    expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'SOURCE_UNAVAILABLE', retryable: true })
    await proxy.restore()
    await until('the migration to start', async () => {
      const { errors } = await server.ask('mutation { startMigration { id } }', {}, ['operator'])
      return errors === undefined ? true : undefined
    })
    await until('answers from ClickHouse', async () => {
      const answer = await server.ask(QUESTION)
      return answer.data.tokenMetrics.provenance.source === 'CLICKHOUSE' ? true : undefined
    })
  })
})
