import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/clickhouse/database.ts'
import { createRecordStore } from '../../src/clickhouse/record-store.ts'
import { applySchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import { describeFindings } from '../../src/migration/verification.ts'
import { type ClickHouseServer, PASSWORD, startClickHouseServer, USER } from '../support/clickhouse-server.ts'
import { recordStoreSuite } from '../support/record-store-suite.ts'
import { openSides } from '../support/sides.ts'
import { anything, copy, WHOLE } from '../support/store-records.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { analysisOf, line, makeFolder, totals, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

/** Statements that no limit of time ends. */
const ENDLESS = {
  read: 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1 SETTINGS max_execution_time = 0',
  write:
    "INSERT INTO FUNCTION null('n UInt64') SELECT number FROM numbers(1000000000000) WHERE sipHash64(number) = 1 SETTINGS max_execution_time = 0",
}

describe('a server over HTTP', () => {
  let server: ClickHouseServer
  let databases = 0
  const options = (more: Partial<Parameters<typeof openDatabase>[0]> = {}) => ({
    url: server.url,
    user: USER,
    password: PASSWORD,
    database: `h${databases++}`,
    folder: '',
    ...more,
  })
  const open = async (more = {}): Promise<Database> => {
    const db = await openDatabase(options(more))
    await applySchemaChanges(db)
    return db
  }
  beforeAll(async () => {
    server = await startClickHouseServer()
  })
  afterAll(() => server.stop())

  recordStoreSuite(open)

  test('gets settings, a query id and the name of the caller with each statement, and compressed rows', async () => {
    const db = await open()
    await createRecordStore(db).write([{ batch: 1, log: 'a', run: 'live', records: [copy({ id: 'x' })] }])
    const insert = server.requests.findLast(({ name }) => name === 'write-batches')
    expect(insert?.settings).toMatchObject({
      async_insert: '0',
      input_format_parallel_parsing: '0',
      max_execution_time: '60',
      log_comment: 'token-bridge write-batches',
    })
    expect(insert?.headers['content-encoding']).toBe('gzip')
    expect(insert?.headers['user-agent']).toContain('token-bridge')
  })

  test('a wrong password is told, and is not tried again', async () => {
    await expect(openDatabase(options({ password: 'wrong' }))).rejects.toMatchObject({ code: 516, retryable: false })
  })

  test('a statement that gets no answer ends at its deadline, and may be tried again', async () => {
    const db = await open({ deadlineSeconds: 1 })
    server.stall(true)
    await expect(db.query({ name: 'stalls', sql: 'SELECT 1', row: anything })).rejects.toMatchObject({
      code: undefined,
      retryable: true,
    })
    server.stall(false)
    expect(await db.query({ name: 'works', sql: 'SELECT 1 AS one', row: anything })).toEqual([{ one: 1 }])
  })

  test('after five failures in a row the server is left alone, and statements fail at once', async () => {
    const db = await open()
    for (let i = 0; i < 5; i++) {
      server.failNext('busy', { code: 202, name: 'TOO_MANY_SIMULTANEOUS_QUERIES' })
      await expect(db.query({ name: 'busy', sql: 'SELECT 7', row: anything })).rejects.toMatchObject({ code: 202 })
    }
    const seen = server.requests.length
    await expect(db.query({ name: 'next', sql: 'SELECT 8', row: anything })).rejects.toMatchObject({ retryable: true })
    expect(server.requests).toHaveLength(seen)
  })

  test.each([
    ['an insert that was cut off before', 'write-batches', 'cut-off-before' as const],
    ['an insert that was carried out and never acknowledged', 'write-batches', 'cut-off-after' as const],
    ['a read-back that was cut off', 'read-back', 'cut-off-after' as const],
    ['a publication that was cut off before', 'publish', 'cut-off-before' as const],
    ['a publication that was carried out and never acknowledged', 'publish', 'cut-off-after' as const],
    ['batches that were noted and never acknowledged', 'note-batches', 'cut-off-after' as const],
    ['a server that is busy', 'write-batches', { code: 202, name: 'TOO_MANY_SIMULTANEOUS_QUERIES' }],
    ['a server that is short of memory', 'publish', { code: 241, name: 'MEMORY_LIMIT_EXCEEDED' }],
  ])('%s is settled by reading back: nothing is lost or doubled', async (_what, name, failure) => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': Array.from({ length: 30 }, (_, i) => line({ id: `msg_${i}` })) })
    const analysis = analysisOf(folder)
    await analysis.refresh()
    const sides = await openSides({
      analysis,
      db: await open(),
      ledgerPath: join(folder, 'ledger'),
      groupRecords: 10,
    })
    server.failNext(name, failure)
    await sides.ship({ journal: true, transcripts: 'all' })
    expect(sides.problems).toHaveLength(1)
    const { answers } = await sides.clickhouse.answer({ queries: [WHOLE], quality: false })
    expect(totals(answers[0]?.whole ?? [])).toMatchObject({ records: 30, input: 30 })
    expect(describeFindings(await sides.verify(true))).toBe('')
  })

  describe('a statement that nobody waits for any more', () => {
    const running = async (name: string): Promise<unknown[]> => {
      const other = await open()
      const sql = `SELECT query_id FROM system.processes WHERE startsWith(query_id, 'token-bridge-${name}-')`
      const rows = await other.query({ name: 'processes', sql, row: anything })
      await other.close()
      return rows
    }
    const begun = (name: string) =>
      until('the statement to run', async () => ((await running(name)).length === 1 ? true : undefined))

    test('is gone from the server once its deadline has passed, be it a read or a write', async () => {
      const db = await open({ deadlineSeconds: 1 })
      const read = { name: 'slow-read', sql: ENDLESS.read, row: anything, deadlineSeconds: 1 }
      const given = { code: undefined, retryable: true }
      await expect(db.query(read)).rejects.toMatchObject(given)
      expect(await running('slow-read')).toEqual([])
      await expect(db.command('slow-write', ENDLESS.write)).rejects.toMatchObject(given)
      expect(await running('slow-write')).toEqual([])
    })

    test('is gone once the database is closed', async () => {
      const db = await open()
      const written = db.command('left-write', ENDLESS.write).catch((error: Error) => error)
      await begun('left-write')
      await db.close()
      expect(await running('left-write')).toEqual([])
      expect(await written).toBeInstanceOf(Error)
    })

    test('ends by itself where it only reads and who asked cannot be reached any more', async () => {
      const way = await startProxy(server.url)
      const db = await open({ url: way.url })
      const read = db.query({ name: 'cut-read', sql: ENDLESS.read, row: anything }).catch((error: Error) => error)
      await begun('cut-read')
      await way.cut()
      expect(await read).toBeInstanceOf(Error)
      await until('its end', async () => ((await running('cut-read')).length === 0 ? true : undefined))
    })
  })
})
