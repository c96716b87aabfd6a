import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { VERSION } from '../../src/domain/version.ts'
import { useScenes } from '../support/migration-scene.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { openSocket } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const scene = useScenes()

async function metricsOf(server: TestServer): Promise<string> {
  const headers = { authorization: `Bearer ${await server.token(['scraper'])}` }
  return (await fetch(`${server.url}/metrics`, { headers })).text()
}
const figure = (text: string, series: string): number | undefined => {
  const line = text.split('\n').find((one) => one.startsWith(`token_bridge_${series} `))
  return line === undefined ? undefined : Number(line.split(' ').at(-1))
}
const LEGACY = 'source="LEGACY",reason="BRIDGE_DISABLED",cohort="none"'
const QUESTION = '{ tokenMetrics { recordCount } }'

describe('the figures', () => {
  test('count each answer with its source, reason, cohort and cache, those that are sent again as bytes too', async () => {
    const server = await startServer(makeFolder())
    for (let i = 0; i < 4; i++) await server.ask(QUESTION)
    const text = await metricsOf(server)
    expect(figure(text, `answers_total{${LEGACY},cache="MISS"}`)).toBe(1)
    expect(figure(text, `answers_total{${LEGACY},cache="HIT"}`)).toBe(3)
    expect(figure(text, 'responses_sent_again_total')).toBe(2)
    expect(figure(text, `answer_seconds_count{${LEGACY},cache="HIT"}`)).toBe(3)
    expect(figure(text, `answer_seconds_bucket{${LEGACY},cache="HIT",le="+Inf"}`)).toBe(3)
    expect(figure(text, `answer_seconds_bucket{${LEGACY},cache="HIT",le="10"}`)).toBe(3)
    expect(figure(text, `answer_seconds_sum{${LEGACY},cache="MISS"}`)).toBeGreaterThan(0)
  })

  test('tell components, flags, breakers, sockets and the build', async () => {
    const server = await startServer(makeFolder())
    const text = await metricsOf(server)
    expect(figure(text, 'component_state{component="journal",state="UP"}')).toBe(1)
    expect(figure(text, 'component_state{component="journal",state="DOWN"}')).toBe(0)
    expect(figure(text, 'component_state{component="clickhouse",state="OFF"}')).toBe(1)
    expect(figure(text, 'breaker_state{dependency="clickhouse",use="question",state="closed"}')).toBe(1)
    expect(figure(text, 'flags_age_seconds')).toBeLessThan(60)
    expect(figure(text, `build_info{version="${VERSION}",node="${process.versions.node}"}`)).toBe(1)
    expect(VERSION).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version)
    expect(figure(text, 'sockets')).toBe(0)
    // nothing is shipped where there is no database, and there is no Redis
    expect(figure(text, 'ship_lag_seconds')).toBeUndefined()
    expect(figure(text, 'redis_connected')).toBeUndefined()
    const { socket } = await openSocket(server.url, await server.token(['viewer']))
    await until('a socket', async () => (figure(await metricsOf(server), 'sockets') === 1 ? true : undefined))
    socket.close()
    await until('no socket', async () => (figure(await metricsOf(server), 'sockets') === 0 ? true : undefined))
  })

  test('tell statements by name, parts, and how long records took to be readable in the database', async () => {
    const { server, migrate } = await scene()
    await migrate()
    const ingest = 'mutation ($input: IngestTokenRecordsInput!) { ingestTokenRecords(input: $input) { accepted } }'
    const tokens = { input: '1', output: '1', cacheCreation: '0', cacheRead: '0' }
    const record = { sessionId: 's', project: 'p', model: 'm', occurredAt: '2026-04-02T09:15:03Z', tokens }
    const { data, errors } = await server.ask(ingest, { input: { records: [record] } }, ['ingester'])
    expect([data, errors]).toEqual([{ ingestTokenRecords: { accepted: 1 } }, undefined])
    await until('it to be readable', async () => {
      const text = await metricsOf(server)
      return figure(text, 'visible_seconds_count') === 1 && figure(text, 'journal_pending_bytes') === 0
        ? true
        : undefined
    })
    const text = await metricsOf(server)
    expect(figure(text, 'ship_lag_seconds')).toBe(0)
    expect(figure(text, 'clickhouse_statement_seconds_count{statement="publish"}')).toBeGreaterThan(0)
    expect(figure(text, 'clickhouse_statement_failures_total{statement="publish"}')).toBe(0)
    expect(figure(text, 'clickhouse_partition_parts{table="schema_changes"}')).toBeDefined()
  })
})
