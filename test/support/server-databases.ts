import { afterAll, beforeAll } from 'vitest'
import { type Database, openDatabase } from '../../src/clickhouse/database.ts'
import { applySchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import { type ClickHouseServer, PASSWORD, startClickHouseServer, USER } from './clickhouse-server.ts'

/** One ClickHouse server for a test file; each call gives a database of its own. */
export function useServerDatabases(): () => Promise<Database<string>> {
  let server: ClickHouseServer
  let databases = 0
  beforeAll(async () => {
    server = await startClickHouseServer()
  })
  afterAll(() => server.stop())
  return async () => {
    const database = `t${databases++}`
    const db = await openDatabase({ url: server.url, user: USER, password: PASSWORD, database, folder: '' })
    await applySchemaChanges(db)
    return db
  }
}
