import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { type Database, openDatabase } from '../../src/clickhouse/database.ts'
import { createRecordStore } from '../../src/clickhouse/record-store.ts'
import { applySchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import { EVERYTHING } from '../../src/domain/scope.ts'
import { describeFindings } from '../../src/migration/verification.ts'
import { POLICIES } from '../../src/policies/policies.ts'
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

const BUSY = { code: 202, name: 'TOO_MANY_SIMULTANEOUS_QUERIES' }
/** Every use with a second alone. */
const HASTY = {
  question: { ...POLICIES.clickhouse.question, deadlineMs: 1000 },
  work: { ...POLICIES.clickhouse.work, deadlineMs: 1000 },
  look: { ...POLICIES.clickhouse.look, deadlineMs: 1000 },
  aside: { ...POLICIES.clickhouse.aside, deadlineMs: 1000 },
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
  const open = async (more = {}): Promise<Database<string>> => {
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
    await expect(openDatabase(options({ password: 'wrong' }))).rejects.toMatchObject({ code: 516, isAway: false })
  })

  test('a statement that gets no answer ends at its deadline, is not repeated, and holds up no other', async () => {
    const db = await open({ policies: HASTY })
    server.stall(true)
    await expect(db.query({ name: 'stalls', sql: 'SELECT 1', row: anything })).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      cause: { code: undefined, isAway: true },
    })
    server.stall(false)
    expect(server.requests.filter(({ name }) => name === 'stalls')).toHaveLength(1)
    expect(await db.query({ name: 'works', sql: 'SELECT 1 AS one', row: anything })).toEqual([{ one: 1 }])
  })

  test('a question that fails is put again at once, and fails where the server is away each time', async () => {
    const db = (await open()).for('question')
    const read = { name: 'again', sql: 'SELECT 1 AS one', row: anything }
    for (const failure of ['cut-off-before', BUSY] as const) server.failNext('again', failure)
    expect(await db.query(read)).toEqual([{ one: 1 }])
    expect(server.requests.filter(({ name }) => name === 'again')).toHaveLength(3)
    for (let i = 0; i < 3; i++) server.failNext('again', BUSY)
    await expect(db.query(read)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE', cause: { code: 202 } })
    expect(server.requests.filter(({ name }) => name === 'again')).toHaveLength(6)
  })

  test('what writes is not repeated, but where that is harmless', async () => {
    const db = await open()
    const sent = (of: string) => server.requests.filter(({ name }) => name === of).length
    for (const name of ['write', 'note', 'drop']) server.failNext(name, 'cut-off-after')
    await db.command('make', 'CREATE TABLE some (n UInt8) ENGINE = Memory')
    await expect(db.insert('write', 'some', ['n'], [[1]])).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
    await expect(db.command('note', 'INSERT INTO some SELECT 2')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
    await db.command('drop', 'DROP TABLE IF EXISTS some SYNC', {}, { repeatable: true })
    expect(['write', 'note', 'drop'].map(sent)).toEqual([1, 1, 2])
  })

  test('after five failures in a row questions fail at once; who has a rhythm of their own goes on', async () => {
    const db = await open()
    const ask = (use: 'question' | 'work' | 'look', name: string = use) =>
      db.for(use).query({ name, sql: 'SELECT 7 AS seven', row: anything })
    for (let i = 0; i < 6; i++) server.failNext('busy', BUSY)
    await expect(ask('question', 'busy')).rejects.toMatchObject({ cause: { code: 202 } })
    await expect(ask('question', 'busy')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE', retryable: true })
    expect(server.requests.filter(({ name }) => name === 'busy')).toHaveLength(5)
    expect(db.isLeftAlone()).toBe(true)
    await expect(ask('question')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
    expect(server.requests.filter(({ name }) => name === 'question')).toEqual([])
    for (const use of ['work', 'look'] as const) expect(await ask(use)).toEqual([{ seven: 7 }])
    await db.ask()
  })

  test.each([
    [62, 'SYNTAX_ERROR'],
    [159, 'TIMEOUT_EXCEEDED'],
    [241, 'MEMORY_LIMIT_EXCEEDED'],
    [396, 'TOO_MANY_ROWS_OR_BYTES'],
  ])('a question that fails with %i %s is not put again, and no other is held up by it', async (code, name) => {
    const db = (await open()).for('question')
    const read = { name: `fails-${code}`, sql: 'SELECT 1 AS one', row: anything }
    for (let i = 0; i < 6; i++) server.failNext(read.name, { code, name })
    for (let i = 0; i < 6; i++) await expect(db.query(read)).rejects.toMatchObject({ code, isAway: false })
    expect(server.requests.filter((seen) => seen.name === read.name)).toHaveLength(6)
    expect(await db.query(read)).toEqual([{ one: 1 }])
  })

  test('rows that are not what they must be are a mistake of ours, not a server that is away', async () => {
    const db = (await open()).for('question')
    const read = { name: 'odd-row', sql: 'SELECT 1 AS one', row: z.object({ two: z.number() }) }
    await expect(db.query(read)).rejects.toMatchObject({ code: undefined, isAway: false })
    expect(server.requests.filter(({ name }) => name === 'odd-row')).toHaveLength(1)
  })

  test('has 10 connections at most, whatever is asked; more questions than have one fail at once', async () => {
    const way = await startProxy(server.url)
    const db = await open({ url: way.url, policies: HASTY })
    server.stall(true)
    onTestFinished(() => server.stall(false))
    const ask = (use: 'question' | 'work' | 'look' | 'aside') =>
      Array.from({ length: 20 }, () =>
        db
          .for(use)
          .query({ name: 'held', sql: 'SELECT 1', row: anything })
          .catch((error: Error & { code?: unknown }) => error.code),
      )
    const asked = (['question', 'work', 'look', 'aside'] as const).map(ask)
    expect(await Promise.race(asked[0]?.slice(5) ?? [])).toBe('OVERLOADED')
    await until('all connections', () => (way.connections() === 10 ? true : undefined))
    let most = 0
    const watching = setInterval(() => {
      most = Math.max(most, way.connections())
    }, 5)
    const outcomes = await Promise.all(asked.map((of) => Promise.all(of)))
    clearInterval(watching)
    expect(most).toBe(10)
    expect(outcomes[0]?.filter((code) => code === 'OVERLOADED')).toHaveLength(15)
    await db.close()
  })

  test.each([
    ['an insert that was cut off before', 'write-batches', 'cut-off-before' as const],
    ['an insert that was carried out and never acknowledged', 'write-batches', 'cut-off-after' as const],
    ['a read-back that was cut off each time', 'read-back', 'cut-off-after' as const, 3],
    ['a publication that was cut off before', 'publish', 'cut-off-before' as const],
    ['a publication that was carried out and never acknowledged', 'publish', 'cut-off-after' as const],
    ['batches that were noted and never acknowledged', 'note-batches', 'cut-off-after' as const],
    ['a server that is busy', 'write-batches', { code: 202, name: 'TOO_MANY_SIMULTANEOUS_QUERIES' }],
    ['a server that is short of memory', 'publish', { code: 241, name: 'MEMORY_LIMIT_EXCEEDED' }],
  ])('%s is settled by reading back: nothing is lost or doubled', async (_what, name, failure, times = 1) => {
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
    for (let time = 0; time < times; time++) server.failNext(name, failure)
    await sides.ship({ journal: true, transcripts: 'all' })
    expect(sides.problems).toHaveLength(1)
    const { answers } = await sides.clickhouse.answer({ queries: [WHOLE], access: EVERYTHING, quality: false })
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
      const db = await open({ policies: HASTY })
      const read = { name: 'slow-read', sql: ENDLESS.read, row: anything }
      const given = { code: 'SOURCE_UNAVAILABLE', cause: { code: undefined } }
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
