// Audit logs of instances that share a database.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openDatabase } from '../../src/clickhouse/database.ts'
import {
  type ClickHouseServer,
  clickhouseSettings,
  PASSWORD,
  startClickHouseServer,
  USER,
} from '../support/clickhouse-server.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

let clickhouse: ClickHouseServer
beforeAll(async () => {
  clickhouse = await startClickHouseServer()
})
afterAll(() => clickhouse.stop())

const ENTRIES = `query ($first: Int!, $after: String) { auditEntries(first: $first, after: $after, action: "mutation setSourcePreference") {
  edges { cursor node { who instance position requestId } } pageInfo { hasNextPage endCursor } } }`
const auditEntries = async (server: TestServer, first: number, after?: string) => {
  const { data, errors } = await server.ask(ENTRIES, { first, after }, ['operator'])
  expect(errors).toBeUndefined()
  return data.auditEntries
}
const choose = (server: TestServer, user: string) =>
  server.ask('mutation { setSourcePreference(preference: LEGACY) { preference } }', {}, ['viewer'], { user })

describe('audit logs of instances with one database', () => {
  const database = 'audit'
  const settings = () => ({
    AUTH_JWT_SECRET: 'a secret that all instances share, of enough bytes',
    ...clickhouseSettings(clickhouse.url, database),
  })

  test('are told there once each, read by every instance in pages, and show a disk that was put back', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/s.jsonl': [line({ id: 'msg_1', session: 's' })] })
    const start = (name: string) => startServer(folder, { DATA_DIR: join(folder, name), ...settings() })
    const [first, second] = [await start('first'), await start('second')]
    await choose(first, 'ann')
    await choose(second, 'bob')
    await choose(first, 'cleo')
    const all = await until('the others’ entries', async () => {
      const { edges } = await auditEntries(second, 10)
      return edges.length === 3 ? edges : undefined
    })
    expect(all.map(({ node }: { node: { who: string } }) => node.who)).toEqual(['cleo', 'bob', 'ann'])
    const page = await auditEntries(second, 2)
    expect(page.pageInfo.hasNextPage).toBe(true)
    const rest = await auditEntries(second, 2, page.pageInfo.endCursor)
    expect(rest).toMatchObject({ edges: [{ node: { who: 'ann' } }], pageInfo: { hasNextPage: false } })

    await until(
      'a run',
      async () =>
        (await first.ask('mutation { startMigration { id } }', {}, ['operator'])).errors === undefined || undefined,
    )
    await until('its end among the entries', async () => {
      const ended = '{ auditEntries(action: "migration state") { edges { node { detail } } } }'
      const { data } = await first.ask(ended, {}, ['operator'])
      return /state=COMPLETED/.test(JSON.stringify(data)) || undefined
    })
    const audit = join(folder, 'first', 'audit')
    const before = readdirSync(audit).map((name) => [name, readFileSync(join(audit, name))] as const)
    await choose(first, 'dora')
    await first.close()
    const db = await openDatabase({ url: clickhouse.url, user: USER, password: PASSWORD, database, folder: '' })
    const row = z.object({ entries: z.string(), different: z.string(), last: z.string() })
    const [told] = await db.query({
      name: 'told',
      sql: 'SELECT count() AS entries, uniqExact(chain, position) AS different, argMax(line, at) AS last FROM audit',
      row,
    })
    await db.close()
    expect(told?.entries).toBe(told?.different)
    for (const [name, bytes] of before) writeFileSync(join(audit, name), bytes)
    const again = await start('first')
    await until('health to say so', async () => {
      const { data } = await again.ask('{ health { components { name state detail } } }', {}, ['operator'])
      const { state, detail } = data.health.components.find(({ name }: { name: string }) => name === 'audit')
      return state === 'DEGRADED' &&
        /the database has its entries up to|another one than the database was told/.test(detail)
        ? true
        : undefined
    })
  })
})
