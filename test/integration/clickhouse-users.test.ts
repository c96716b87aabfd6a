// The users of docs/clickhouse-users.sql: a bridge works with their rights, and with nothing less.
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type ClickHouseProcess, type ClickHouseUser, startClickHouse } from '../../scripts/clickhouse-server.ts'
import { statementsIn, usersIn } from '../../scripts/clickhouse-users.ts'
import { openDatabase } from '../../src/clickhouse/database.ts'
import { revokeOwnAccess, revokingSql } from '../../src/clickhouse/revoke-access.ts'
import { applySchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import { PASSWORD as password } from '../support/clickhouse-server.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const SQL = readFileSync('docs/clickhouse-users.sql', 'utf8')
const DOCUMENTED = usersIn(SQL)

/** The grants of a user, one a right: a test leaves each of them away. */
const grantsOf = (user: string): string[] =>
  (DOCUMENTED.find(({ name }) => name === user)?.grants ?? []).flatMap((grant) => {
    const [, rights = '', on] = /^GRANT (.+?) (ON [\w*.]+)$/.exec(grant) ?? []
    // engines are granted each on its own
    return grant.includes('ENGINE')
      ? grant.split(', ').map((one) => one.replace(/^(?!GRANT)/, 'GRANT '))
      : rights.split(', ').map((one) => `GRANT ${one} ${on}`)
  })
const MIGRATOR = grantsOf('bridge_migrator')
const PUBLISHER = grantsOf('bridge_publisher')
const READER = grantsOf('bridge_reader')
const DATABASE = 'token_bridge'

let clickhouse: ClickHouseProcess
beforeAll(async () => {
  const lacking = (name: string, grants: string[]): ClickHouseUser[] =>
    grants.map((_, i) => ({ name: `${name}_without_${i}`, password, grants: grants.toSpliced(i, 1) }))
  const user = (name: string, grants: string[]): ClickHouseUser => ({ name, password, grants })
  clickhouse = await startClickHouse({
    folder: mkdtempSync(join(tmpdir(), 'token-bridge-users-')),
    port: 0,
    users: [
      { name: 'admin', password },
      // as they are printed
      ...DOCUMENTED.map((one) => ({ ...one, password })),
      user('leaving_by_host', [...PUBLISHER, 'GRANT ALTER USER ON leaving_by_host']),
      user('leaving_by_grants', [`GRANT SELECT, INSERT ON ${DATABASE}.* WITH GRANT OPTION`]),
      ...lacking('bridge_migrator', MIGRATOR),
      ...lacking('bridge_publisher', PUBLISHER),
      ...lacking('bridge_reader', READER),
    ],
  })
})
afterAll(() => clickhouse.stop())

const open = (user: string, database = DATABASE) =>
  openDatabase({ url: clickhouse.url, user, password, database, folder: '' })
const update = async (user: string): Promise<void> => {
  const db = await open(user)
  await applySchemaChanges(db).finally(() => db.close())
}
const drop = async (): Promise<void> => {
  const db = await open('admin', 'default')
  await db.command('drop', `DROP DATABASE IF EXISTS ${DATABASE} SYNC`)
  await db.close()
}
const start = (user: string, folder = makeFolder()): Promise<TestServer> => {
  const lines = Array.from({ length: 30 }, (_, i) =>
    line({ id: `msg_${i}`, session: 's', time: `2026-04-0${1 + (i % 5)}T10:00:00.000Z` }),
  )
  writeTranscripts(folder, { 'p/s.jsonl': lines })
  return startServer(folder, {
    CLICKHOUSE_URL: clickhouse.url,
    CLICKHOUSE_USER: user,
    CLICKHOUSE_PASSWORD: password,
    CLICKHOUSE_DATABASE: DATABASE,
  })
}
const operate = async (server: TestServer, query: string) => {
  const { data, errors } = await server.ask(query, {}, ['operator', 'viewer', 'ingester'])
  if (errors !== undefined) throw new Error(errors[0]?.message)
  return data
}
const whenRun = (server: TestServer, state: string) =>
  until(state, async () => (await operate(server, '{ migration { state } }')).migration?.state === state || undefined)

describe('a user of the database', () => {
  test('who migrates applies the schema, and cannot without any of its rights', async () => {
    const needless: string[] = []
    for (const [i, grant] of MIGRATOR.entries()) {
      await drop()
      const user = `bridge_migrator_without_${i}`
      // the second time it looks what there is
      const error = await update(user)
        .then(() => update(user))
        .catch((reason: Error) => reason)
      // 497: it may not; 81: what it may not make is not there
      if (!/: (497|81) /.test(error?.message ?? '')) needless.push(grant)
    }
    expect(needless).toEqual([])
    await drop()
    await update('bridge_migrator')
  })

  test('who publishes carries, verifies, answers, ingests and rolls back, and changes no schema', async () => {
    const server = await start('bridge_publisher')
    await operate(server, 'mutation { startMigration { id } }')
    await whenRun(server, 'COMPLETED')
    const answer = '{ tokenMetrics(preference: CLICKHOUSE) { recordCount provenance { source } } }'
    expect((await operate(server, answer)).tokenMetrics).toMatchObject({
      recordCount: '30',
      provenance: { source: 'CLICKHOUSE' },
    })
    const { migration } = await operate(server, '{ migration { id } }')
    await operate(server, `mutation { rollbackMigration(id: "${migration.id}") { id } }`)
    await whenRun(server, 'ROLLED_BACK')
    await operate(server, 'mutation { startMigration { id } }')
    await whenRun(server, 'COMPLETED')
    const denied = server
      .log()
      .split('\n')
      .filter((entry) => entry.includes('ACCESS_DENIED'))
    expect(denied).toEqual([])
  })

  test('who reads answers from the database, tells what is chosen, and publishes nothing', async () => {
    const server = await start('bridge_reader')
    const answer = '{ tokenMetrics(preference: CLICKHOUSE) { recordCount provenance { source } } }'
    await until('an answer of the database', async () => {
      const { tokenMetrics } = await operate(server, answer)
      return tokenMetrics.provenance.source === 'CLICKHOUSE' || undefined
    })
    await operate(server, 'mutation { setSourcePreference(preference: CLICKHOUSE) { preference } }')
    const db = await open('bridge_reader')
    const row = z.object({ told: z.string() })
    const sql = 'SELECT count() AS told FROM operational_state'
    await until('the choice to be told', async () => {
      const [found] = await db.query({ name: 'told', sql, row })
      return found?.told !== '0' || undefined
    })
    const { health } = await operate(server, '{ health { components { name detail } } }')
    const { detail } = health.components.find(({ name }: { name: string }) => name === 'publisher')
    expect(detail).toMatch(/497 ACCESS_DENIED/)
    const { risks } = await operate(server, '{ risks { indicators { name value state } } }')
    type Indicator = { name: string; value: number | null; state: string }
    const indicators: Indicator[] = risks.flatMap((risk: { indicators: Indicator[] }) => risk.indicators)
    expect(indicators.find(({ name }) => name === 'database_denials')).toMatchObject({ value: 0, state: 'OK' })
    for (const sql of FORBIDDEN) await expect(db.command('forbidden', sql), sql).rejects.toThrow('497')
    await db.close()
  })

  test('who publishes can do nothing of what is for the migrator alone, nor harm what is not its own', async () => {
    const db = await open('bridge_publisher')
    for (const sql of FOR_THE_MIGRATOR) await expect(db.command('forbidden', sql), sql).rejects.toThrow('497')
    await db.close()
    const migrator = await open('bridge_migrator')
    for (const sql of FORBIDDEN) await expect(migrator.command('forbidden', sql), sql).rejects.toThrow('497')
    await migrator.close()
  })

  test('who may alter itself, or grant on, could take its own access away: no right is in the way, only where users are kept', async () => {
    const errorOf = async (user: string, sql: string): Promise<string> => {
      const db = await open(user)
      const error = await db.command('leave', sql).catch((reason: Error) => reason)
      await db.close()
      return String(/: (\d+) /.exec((error as Error | undefined)?.message ?? '')?.[1])
    }
    const revoke = (user: string) => `REVOKE ALL ON ${DATABASE}.* FROM ${user}`
    // 497: it may not; 495: users of a file cannot be changed, whoever asks
    expect(await errorOf('bridge_publisher', revokingSql({ user: 'bridge_publisher' }))).toBe('497')
    expect(await errorOf('bridge_publisher', revoke('bridge_publisher'))).toBe('497')
    expect(await errorOf('leaving_by_host', revokingSql({ user: 'leaving_by_host' }))).toBe('495')
    expect(await errorOf('leaving_by_host', revokingSql({ user: 'bridge_reader' }))).toBe('497')
    expect(await errorOf('leaving_by_grants', revoke('leaving_by_grants'))).toBe('495')
    for (const user of ['bridge_publisher', 'leaving_by_host'])
      expect(await revokeOwnAccess({ url: clickhouse.url, user, password, database: DATABASE })).toBe(false)
  })

  test('is made by statements that a server understands, each of them', async () => {
    const db = await open('admin', 'default')
    const row = z.object({ told: z.string() })
    const optional = [...SQL.matchAll(/^-- (GRANT ALTER USER .+);$/gm)].map(([, sql = '']) => sql)
    expect(optional).toEqual(
      ['bridge_publisher', 'bridge_reader'].map((user) => `GRANT ALTER USER ON ${user} TO ${user}`),
    )
    const all = [...statementsIn(SQL), ...optional, revokingSql({ user: 'a`b' })]
    expect(all.length).toBeGreaterThan(25)
    for (const sql of all) {
      const [found] = await db.query({ name: 'parsed', sql: 'SELECT formatQuery({sql:String}) AS told', row }, { sql })
      expect(found?.told, sql).toMatch(/^(CREATE USER|GRANT|ALTER USER) /)
    }
    await db.close()
  })

  test.each([
    ['bridge_publisher', PUBLISHER],
    ['bridge_reader', READER],
  ])('%s needs each of its rights', async (user, grants) => {
    for (const [i, grant] of grants.entries()) {
      const sql = NEEDED_FOR[grant]
      expect(sql, `what ${grant} is for`).toBeDefined()
      const db = await open(`${user}_without_${i}`)
      await expect(db.command('needs-a-right', sql ?? ''), `${user} without ${grant}`).rejects.toThrow('497')
      await db.close()
    }
  })
})

/** What nobody may who only reads. */
const FORBIDDEN = [
  'INSERT INTO fences (epoch, holder) VALUES (1000000, 1)',
  'ALTER TABLE copies DELETE WHERE 1',
  'DROP TABLE winners',
  'TRUNCATE TABLE copies',
  'CREATE TABLE mine (a UInt8) ENGINE = Memory',
]

const FOR_THE_MIGRATOR = [
  'CREATE DATABASE other',
  'CREATE TABLE other (a UInt8) ENGINE = MergeTree ORDER BY a',
  "INSERT INTO schema_changes (name) VALUES ('0099-forged.sql')",
  'ALTER TABLE batches ADD COLUMN mine UInt8',
  'ALTER TABLE batches MODIFY COLUMN records UInt8',
  'ALTER TABLE copies ADD COLUMN mine UInt8',
  'ALTER TABLE winners ADD COLUMN mine UInt8',
  'ALTER TABLE winners UPDATE input = 0 WHERE 1',
  'DROP TABLE copies',
  'DROP TABLE ledger',
  'DROP TABLE audit',
  'TRUNCATE TABLE copies',
  'ALTER TABLE audit DELETE WHERE 1',
  "ALTER USER bridge_publisher IDENTIFIED BY 'x'",
]

/** A statement of the bridge that is refused without the right. */
const NEEDED_FOR: Record<string, string> = {
  'GRANT SELECT ON token_bridge.*': 'SELECT count() FROM copies WHERE batch IS NULL FORMAT Null',
  'GRANT INSERT ON token_bridge.batches': "INSERT INTO batches (batch) VALUES ('x')",
  'GRANT INSERT ON token_bridge.copies': "INSERT INTO copies (batch) VALUES ('x')",
  'GRANT INSERT ON token_bridge.database_id': 'INSERT INTO database_id SELECT generateUUIDv4()',
  'GRANT INSERT ON token_bridge.fences': 'INSERT INTO fences (epoch, holder) VALUES (1000000, 1)',
  'GRANT INSERT ON token_bridge.heartbeats': 'INSERT INTO heartbeats (epoch) VALUES (1)',
  'GRANT INSERT ON token_bridge.ledger': "INSERT INTO ledger (entry) VALUES ('x')",
  'GRANT INSERT ON token_bridge.winners*': 'INSERT INTO winners (seq) VALUES (1)',
  'GRANT CREATE TABLE ON token_bridge.winners*': 'CREATE TABLE winners_next_0 AS winners',
  'GRANT DROP TABLE ON token_bridge.winners*': 'DROP TABLE IF EXISTS winners SYNC',
  'GRANT ALTER DELETE ON token_bridge.copies': 'ALTER TABLE copies DELETE WHERE 0',
  'GRANT ALTER DELETE ON token_bridge.ledger': 'ALTER TABLE ledger DELETE WHERE 0',
  'GRANT TABLE ENGINE ON ReplacingMergeTree': 'CREATE TABLE winners_next_0 AS winners',
  'GRANT SELECT ON system.processes': "KILL QUERY WHERE query_id IN ['none'] SYNC",
  'GRANT SELECT ON system.disks': 'SELECT count() FROM system.disks',
  'GRANT SELECT ON system.events': 'SELECT count() FROM system.events',
  'GRANT SELECT ON system.parts': 'SELECT count() FROM system.parts',
  'GRANT INSERT ON token_bridge.journals': "INSERT INTO journals (journal) VALUES ('x')",
  'GRANT INSERT ON token_bridge.operational_state': "INSERT INTO operational_state (entry) VALUES ('x')",
  'GRANT INSERT ON token_bridge.audit': "INSERT INTO audit (action) VALUES ('x')",
}
