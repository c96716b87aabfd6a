import { createHash } from 'node:crypto'
import { appendFileSync, cpSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { type Database, openDatabase } from '../../src/clickhouse/database.ts'
import { type ClickHouseServer, PASSWORD, startClickHouseServer, USER } from '../support/clickhouse-server.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

let clickhouse: ClickHouseServer
beforeAll(async () => {
  clickhouse = await startClickHouseServer()
})
afterAll(() => clickhouse.stop())

let databases = 0

interface Scene {
  server: TestServer
  /** Straight to the tables, past the bridge. */
  db: Database
  path: (file: string) => string
  /** Starts a run and waits until it is COMPLETED. */
  migrate(): Promise<string>
  completed(): Promise<unknown>
  operate(mutation: string): Promise<Record<string, unknown>>
  migration(fields: string): Promise<Record<string, unknown>>
  /** Waits until a source answers so many tokens. */
  answered(source: string, total: number): Promise<{ archivedTokens: string }>
  harm(sql: string): Promise<void>
}

/** A server over three transcripts, 40 records of 2 tokens each, and one line that all of them have. */
async function scene(folder = makeFolder(), write = true): Promise<Scene> {
  const lines = (name: string, count: number) =>
    Array.from({ length: count }, (_, i) =>
      line({ id: `msg_${name}_${i}`, session: name, time: `2026-04-0${1 + (i % 5)}T10:00:00.000Z` }),
    )
  if (write)
    writeTranscripts(folder, {
      'p/a.jsonl': ['not json', ...lines('a', 20), line({ id: 'msg_fork' })],
      'p/b.jsonl': [...lines('b', 10), line({ id: 'msg_fork' })],
      'q/c.jsonl': [...lines('c', 9), line({ id: 'msg_fork' })],
    })
  const database = `migration${databases++}`
  const server = await startServer(folder, {
    CLICKHOUSE_URL: clickhouse.url,
    CLICKHOUSE_USER: USER,
    CLICKHOUSE_PASSWORD: PASSWORD,
    CLICKHOUSE_DATABASE: database,
    RESCAN_INTERVAL_MS: '200',
  })
  const db = await openDatabase({ url: clickhouse.url, user: USER, password: PASSWORD, database, folder: '' })
  onTestFinished(() => db.close())
  const ask = async (query: string) => {
    const { data, errors } = await server.ask(query, {}, ['viewer', 'operator', 'ingester'])
    if (errors !== undefined) throw new Error(errors[0]?.message)
    return data
  }
  const operate = async (mutation: string) => Object.values(await ask(`mutation { ${mutation} }`))[0] as never
  const migration = async (fields: string) => (await ask(`{ migration { ${fields} } }`)).migration
  const completed = () =>
    until('the run to be COMPLETED', async () => {
      const { state, error } = await migration('state error')
      if (state === 'FAILED') throw new Error(String(error))
      return state === 'COMPLETED' ? true : undefined
    })
  return {
    server,
    db,
    path: (file) => join(folder, 'projects', file),
    operate,
    migration,
    completed,
    async migrate() {
      const { id } = (await operate('startMigration { id state }')) as { id: string }
      await completed()
      return id
    },
    answered: (source, total) =>
      until(`${total} tokens from ${source}`, async () => {
        const { tokenMetrics } = await ask(
          '{ tokenMetrics { tokens { total } provenance { source } quality { archivedTokens } } }',
        )
        const { tokens, provenance, quality } = tokenMetrics
        if (tokens.total !== String(total) || provenance.source !== source) return undefined
        return { archivedTokens: quality.archivedTokens }
      }),
    harm: (sql) => db.command('harm', sql),
  }
}

const count = async (db: Database, what: string): Promise<number> => {
  const [row] = await db.query({
    name: 'count',
    sql: `SELECT count() AS n FROM ${what}`,
    row: { parse: (r: unknown) => r } as never,
  })
  return Number((row as { n: string }).n)
}

describe('a dry run', () => {
  test('tells what there is to carry and how long it will take, and writes nothing', async () => {
    const { server, db } = await scene()
    const plan = 'files bytes records batches tokens duplicateLines refused { reason count } estimatedSeconds'
    const { data } = await server.ask(`{ migrationPlan { ${plan} } }`, {}, ['operator'])
    expect(data.migrationPlan).toMatchObject({
      files: 3,
      records: '42',
      batches: 3,
      tokens: '80',
      duplicateLines: '2',
      refused: [{ reason: 'malformed_json', count: '1' }],
    })
    expect(data.migrationPlan.estimatedSeconds).toBeGreaterThan(0)
    expect(await count(db, 'copies')).toBe(0)
    expect((await server.ask('{ migration { id } }', {}, ['operator'])).data.migration).toBeNull()
  })
})

describe('a rollback', () => {
  test('puts readers back on the files at once; what came by mutation and what is archived stays; a later run completes', async () => {
    const { server, db, path, operate, migration, migrate, answered } = await scene()
    const id = await migrate()
    const frozen = await migration('recordsTotal duplicateLines refused { reason count } history { by action }')
    expect(frozen).toEqual({
      recordsTotal: '42',
      duplicateLines: '2',
      refused: [{ reason: 'malformed_json', count: '1' }],
      history: [{ by: 'ann', action: 'start' }],
    })
    const { files } = (await migration(
      'files { path bytes sha256 records tokens duplicateLines owners refused { reason count } verified }',
    )) as { files: { path: string }[] }
    const bytes = readFileSync(path('p/b.jsonl'))
    expect(files.find((file) => file.path === path('p/b.jsonl'))).toEqual({
      path: path('p/b.jsonl'),
      bytes: String(bytes.length),
      sha256: createHash('sha256').update(bytes).digest('hex'),
      records: '11',
      tokens: '20',
      duplicateLines: '1',
      owners: [path('p/a.jsonl')],
      refused: [],
      verified: true,
    })
    const record = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 1000, output: 0 } }`
    await operate(`ingestTokenRecords(input: { records: [${record}] }) { accepted }`)
    await answered('CLICKHOUSE', 1080)
    rmSync(path('p/b.jsonl'))
    // legacy counts what is on disk; what was pruned stays counted in ClickHouse
    const { archivedTokens } = await answered('CLICKHOUSE', 1080)
    await until('the archive to be stated', async () =>
      (await answered('CLICKHOUSE', 1080)).archivedTokens === '20' ? true : undefined,
    )
    expect(['0', '20']).toContain(archivedTokens)

    const rolling = await operate(`rollbackMigration(id: "${id}") { state progress }`)
    expect(rolling).toEqual({ state: 'ROLLING_BACK', progress: 0 })
    // the very next answer, and every one after it
    const next = await server.ask('{ tokenMetrics { tokens { total } provenance { source } } }')
    expect(next.data.tokenMetrics).toEqual({ tokens: { total: '1060' }, provenance: { source: 'LEGACY' } })
    const rolledBack = () =>
      until('the rollback', async () => ((await migration('state')).state === 'ROLLED_BACK' ? true : undefined))
    await rolledBack()
    expect(await operate(`rollbackMigration(id: "${id}") { state progress }`)).toEqual({
      state: 'ROLLED_BACK',
      progress: 0,
    })
    expect(await count(db, "batches FINAL WHERE state = 'published'")).toBe(1)
    expect(await count(db, 'winners FINAL')).toBe(1)
    // the journal's record, and the evidence of what is archived
    expect(await count(db, 'copies')).toBe(1 + 11)

    const second = await migrate()
    await answered('CLICKHOUSE', 1080)
    await operate(`rollbackMigration(id: "${second}", discardArchived: true) { state }`)
    await rolledBack()
    expect(await count(db, 'copies')).toBe(1)
    await migrate()
    await answered('CLICKHOUSE', 1060)
    expect(server.log()).not.toContain('"level":"error"')
  })

  test('of a run that is paused or carrying is safe, and so is one that a restart cuts off', async () => {
    const folder = makeFolder()
    const first = await scene(folder)
    const { id } = (await first.operate('startMigration { id }')) as { id: string }
    await first.operate(`rollbackMigration(id: "${id}") { state }`)
    await first.server.close()
    databases--
    const again = await scene(folder)
    await until('the rollback', async () =>
      (await again.migration('state')).state === 'ROLLED_BACK' ? true : undefined,
    )
    await again.answered('LEGACY', 80)
    expect(await count(again.db, 'winners FINAL')).toBe(0)
    await again.migrate()
    await again.answered('CLICKHOUSE', 80)
  })
})

describe('verifying and repairing', () => {
  const VERIFIED = `state difference error verification {
    difference logsDiffering damagedBatches winnersDiffer surplusLogs differences { path day firstLine lastLine missing surplus altered } }`

  test.each([
    [
      'a copy that is missing',
      "ALTER TABLE copies DELETE WHERE path LIKE '%a.jsonl' AND session = 'a' AND position < 1000 SETTINGS mutations_sync = 2",
    ],
    [
      'a copy that was altered',
      "ALTER TABLE copies UPDATE output = 900 WHERE session = 'b' SETTINGS mutations_sync = 2",
    ],
    [
      'a copy that was added',
      "INSERT INTO copies SELECT * REPLACE (generateUUIDv4() AS identity) FROM copies WHERE session = 'c' LIMIT 1",
    ],
    ['a winner that is missing', "ALTER TABLE winners DELETE WHERE session = 'b' SETTINGS mutations_sync = 2"],
    [
      'a winner that was altered',
      "INSERT INTO winners SELECT * REPLACE (seq + 1 AS seq, 77 AS output) FROM winners FINAL WHERE session = 'a' LIMIT 1",
    ],
    [
      'a winner that was added',
      'INSERT INTO winners SELECT * REPLACE (generateUUIDv4() AS identity) FROM winners FINAL LIMIT 1',
    ],
    [
      'a batch that was retired',
      "INSERT INTO batches SELECT * REPLACE (version + 1 AS version, 'retired' AS state) FROM batches FINAL LIMIT 1",
    ],
    [
      'a log that was never shipped',
      `INSERT INTO batches SELECT * REPLACE (99 AS batch, replaceRegexpOne(log, '#.*', '#77') AS log, '' AS digest) FROM batches FINAL LIMIT 1`,
    ],
  ])('%s is found, is in no answer, and is mended; what is archived is not taken for surplus', async (_what, sql) => {
    const { path, operate, migrate, completed, answered, harm } = await scene()
    writeFileSync(path('q/gone.jsonl'), `${line({ id: 'msg_gone', session: 'gone' })}\n`)
    await answered('LEGACY', 82)
    const id = await migrate()
    rmSync(path('q/gone.jsonl'))
    await until('the archive', async () =>
      (await answered('CLICKHOUSE', 82)).archivedTokens === '2' ? true : undefined,
    )
    expect(await operate(`verifyMigration(id: "${id}") { ${VERIFIED} }`)).toMatchObject({
      state: 'COMPLETED',
      difference: '0',
      verification: { damagedBatches: [], winnersDiffer: false, surplusLogs: [] },
    })

    await harm(sql)
    const found = await operate(`verifyMigration(id: "${id}") { ${VERIFIED} }`)
    expect(found.state).toBe('FAILED')
    await answered('LEGACY', 80)

    const repair = 'reshipped retired winnersRebuilt lost dryRun migration { state }'
    const plan = await operate(`repairMigration(id: "${id}") { ${repair} }`)
    expect(plan).toMatchObject({ dryRun: true, lost: 0, migration: { state: 'FAILED' } })
    expect(await operate(`verifyMigration(id: "${id}") { state }`)).toEqual({ state: 'FAILED' })
    const done = await operate(`repairMigration(id: "${id}", dryRun: false) { ${repair} }`)
    expect(done).toMatchObject({ ...plan, dryRun: false, migration: { state: 'RUNNING' } })
    await answered('CLICKHOUSE', 82)
    await completed()
    expect(await operate(`verifyMigration(id: "${id}") { ${VERIFIED} history { action } }`)).toMatchObject({
      state: 'COMPLETED',
      difference: '0',
      error: null,
      history: expect.arrayContaining([{ action: 'repair' }]),
    })
  })

  test('one token changed anywhere is named by file, day and line', async () => {
    const { path, operate, migrate, harm } = await scene()
    const id = await migrate()
    const row = "FROM (SELECT * FROM winners FINAL WHERE session = 'b' ORDER BY position LIMIT 1 OFFSET 6)"
    await harm(`INSERT INTO winners SELECT * REPLACE (seq + 1 AS seq, 2 AS input) ${row}`)
    const { verification, error } = (await operate(`verifyMigration(id: "${id}") { ${VERIFIED} }`)) as never
    expect(verification).toMatchObject({
      difference: '1',
      logsDiffering: [path('p/b.jsonl')],
      differences: [
        { path: path('p/b.jsonl'), day: '2026-04-02', firstLine: 7, lastLine: 7, missing: 0, surplus: 0, altered: 1 },
      ],
    })
    expect(error).toContain(`${path('p/b.jsonl')}, 2026-04-02, lines 7 to 7`)
  })

  test('what was planted before the run is noticed at its end, by itself: the run is FAILED, and readers are on the files', async () => {
    const { db, operate, migration, answered, completed } = await scene()
    await operate('startMigration { id }')
    await completed()
    await db.command(
      'plant',
      "INSERT INTO winners SELECT * REPLACE (generateUUIDv4() AS identity, 'from nowhere' AS log) FROM winners FINAL LIMIT 1",
    )
    await operate('startMigration { id }')
    await until('the end', async () => ((await migration('state')).state === 'FAILED' ? true : undefined))
    expect(await migration('error difference')).toMatchObject({
      difference: '3',
      error: expect.stringContaining('from nowhere'),
    })
    await answered('LEGACY', 80)
  })

  test('a text that was changed is found, too: the same tokens in another session', async () => {
    const { operate, migrate, harm } = await scene()
    const id = await migrate()
    await harm(
      "INSERT INTO winners SELECT * REPLACE (seq + 1 AS seq, 'c' AS session) FROM (SELECT * FROM winners FINAL WHERE session = 'b' LIMIT 1)",
    )
    expect(await operate(`verifyMigration(id: "${id}") { ${VERIFIED} }`)).toMatchObject({
      state: 'FAILED',
      verification: { winnersDiffer: true, differences: [{ altered: 1, missing: 0 }] },
    })
  })

  test('archived records that are damaged are told as lost, not invented', async () => {
    const { path, operate, migrate, harm, answered } = await scene()
    const id = await migrate()
    rmSync(path('p/b.jsonl'))
    await until('the archive', async () =>
      (await answered('CLICKHOUSE', 80)).archivedTokens === '20' ? true : undefined,
    )
    await harm("ALTER TABLE copies DELETE WHERE session = 'b' SETTINGS mutations_sync = 2")
    const plan = await operate(`repairMigration(id: "${id}") { lost reshipped migration { error } }`)
    expect(plan).toMatchObject({ lost: 1, reshipped: [], migration: { error: expect.stringContaining('backup') } })
  })
})

describe('after a run is COMPLETED', () => {
  test('appended, new, forked, truncated, replaced and renamed files are shipped, and the answers stay right', async () => {
    const { path, operate, migrate, answered } = await scene()
    const id = await migrate()
    appendFileSync(path('p/a.jsonl'), `${line({ id: 'msg_more' })}\n`)
    await answered('CLICKHOUSE', 82)
    writeFileSync(path('q/new.jsonl'), `${line({ id: 'msg_new' })}\n`)
    await answered('CLICKHOUSE', 84)
    cpSync(path('p/b.jsonl'), path('q/fork.jsonl'))
    appendFileSync(path('q/fork.jsonl'), `${line({ id: 'msg_forked' })}\n`)
    await answered('CLICKHOUSE', 86)
    renameSync(path('q/new.jsonl'), path('p/renamed.jsonl'))
    await answered('CLICKHOUSE', 86)
    writeFileSync(`${path('q/c.jsonl')}.new`, `${line({ id: 'msg_replacement' })}\n`)
    renameSync(`${path('q/c.jsonl')}.new`, path('q/c.jsonl'))
    // the nine records that only c had are archived
    await answered('CLICKHOUSE', 88)
    truncateSync(path('q/fork.jsonl'), 0)
    await answered('CLICKHOUSE', 88)
    await until('everything to be exact', async () => {
      const { state, verification } = (await operate(
        `verifyMigration(id: "${id}") { state verification { difference archivedTokens } }`,
      )) as { state: string; verification: { archivedTokens: string } }
      return state === 'COMPLETED' && verification.archivedTokens === '20' ? true : undefined
    })
    await answered('CLICKHOUSE', 88)
  })
})

describe('the metrics', () => {
  test('have the progress, rate and difference of the latest run', async () => {
    const { server, migrate } = await scene()
    const read = async () =>
      (
        await fetch(`${server.url}/metrics`, {
          headers: { authorization: `Bearer ${await server.token(['operator'])}` },
        })
      ).text()
    expect(await read()).not.toMatch(/^token_bridge_migration_state\{/m)
    await migrate()
    const text = await read()
    for (const line of [
      'state{state="COMPLETED"} 1',
      'progress_ratio 1',
      'tokens_verified 80',
      'difference_tokens 0',
      'errors 0',
    ])
      expect(text).toContain(`\ntoken_bridge_migration_${line}\n`)
  })
})

describe('migrationProgressed', () => {
  const follow = async (server: TestServer, id: string, roles: 'operator' | 'viewer' = 'operator', query?: string) => {
    const client = createClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { authorization: `Bearer ${await server.token([roles])}` },
    })
    onTestFinished(() => void client.dispose())
    return client.iterate<{ migrationProgressed: { state: string; progress: number } }>({
      query: query ?? 'subscription ($id: ID!) { migrationProgressed(id: $id) { state progress } }',
      variables: { id },
    })
  }

  test('tells the run at once, as it goes on, and to its end', async () => {
    const { server, operate } = await scene()
    const { id } = (await operate('startMigration { id }')) as { id: string }
    const seen: string[] = []
    for await (const { data } of await follow(server, id)) seen.push(String(data?.migrationProgressed.state))
    expect(seen.at(-1)).toBe('COMPLETED')
  })

  test('is for operators, by token, and answers nothing but subscriptions', async () => {
    const { server, operate } = await scene()
    const { id } = (await operate('startMigration { id }')) as { id: string }
    const first = async (...asked: Parameters<typeof follow>) => (await (await follow(...asked)).next()).value
    expect((await first(server, id, 'viewer')).errors[0].extensions).toMatchObject({ code: 'FORBIDDEN' })
    expect((await first(server, 'nobody')).errors[0].extensions).toMatchObject({
      code: 'INVALID_ARGUMENT',
      argument: 'id',
    })
    const updates = 'subscription { tokenMetricsUpdated { recordCount } }'
    expect((await first(server, id, 'viewer', updates)).errors[0].extensions).toMatchObject({ code: 'NOT_IMPLEMENTED' })
    await expect(first(server, id, 'operator', '{ health { state } }')).rejects.toBeDefined()
    await expect(first(server, id, 'operator', 'subscription { nothing }')).rejects.toBeDefined()
    const client = createClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    })
    await expect(client.iterate({ query: 'subscription { x }' }).next()).rejects.toMatchObject({ code: 4403 })
  })
})

describe('backup and restore', () => {
  const REPORT = 'folder batches records tokens skipped'
  const restore = async (server: TestServer, name: string) => {
    const { data, errors } = await server.ask(`mutation { restoreMigration(name: "${name}") { ${REPORT} } }`, {}, [
      'operator',
    ])
    if (errors !== undefined) throw Object.assign(new Error(errors[0]?.message), errors[0]?.extensions)
    return data.restoreMigration
  }
  const ingest = (one: Scene) =>
    one.operate(`ingestTokenRecords(input: { records: [
      { sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 1000, output: 0 } }] }) { accepted }`)

  test('what only ClickHouse still has comes back on an empty machine, to the last token, beside the transcripts that are left', async () => {
    const first = await scene()
    await first.migrate()
    await ingest(first)
    await first.answered('CLICKHOUSE', 1080)
    rmSync(first.path('p/b.jsonl'))
    await until('the archive', async () =>
      (await first.answered('CLICKHOUSE', 1080)).archivedTokens === '20' ? true : undefined,
    )
    const saved = await first.operate(`backupMigration(name: "drill") { ${REPORT} }`)
    expect(saved).toMatchObject({ batches: 2, records: 12, tokens: '1022', skipped: 0 })

    const folder = makeFolder()
    cpSync(join(first.server.folder, 'projects'), join(folder, 'projects'), { recursive: true })
    cpSync(String(saved.folder), join(folder, 'data', 'backups', 'drill'), { recursive: true })
    const second = await scene(folder, false)
    expect(await restore(second.server, 'drill')).toMatchObject({ batches: 2, records: 12, skipped: 0 })
    expect(await restore(second.server, 'drill')).toMatchObject({ batches: 0, records: 0, skipped: 2 })
    const id = await second.migrate()
    await second.answered('CLICKHOUSE', 1080)
    expect(await second.operate(`verifyMigration(id: "${id}") { state difference }`)).toEqual({
      state: 'COMPLETED',
      difference: '0',
    })
    // a rollback takes out the transcripts alone
    await second.operate(`rollbackMigration(id: "${id}") { state }`)
    await until('the rollback', async () =>
      (await second.migration('state')).state === 'ROLLED_BACK' ? true : undefined,
    )
    await second.migrate()
    await second.answered('CLICKHOUSE', 1080)
  })

  test('everything comes back where not even the transcripts are left', async () => {
    const first = await scene()
    await first.migrate()
    const saved = await first.operate(`backupMigration(name: "all", all: true) { ${REPORT} }`)
    const folder = makeFolder()
    cpSync(String(saved.folder), join(folder, 'data', 'backups', 'all'), { recursive: true })
    const second = await scene(folder, false)
    await restore(second.server, 'all')
    await second.migrate()
    await second.answered('CLICKHOUSE', 80)
  })

  test('brings back what a rollback discarded, and it is archived again, not surplus', async () => {
    const one = await scene()
    const id = await one.migrate()
    rmSync(one.path('p/b.jsonl'))
    await until('the archive', async () =>
      (await one.answered('CLICKHOUSE', 80)).archivedTokens === '20' ? true : undefined,
    )
    await one.operate('backupMigration(name: "all", all: true) { folder }')
    await one.operate(`rollbackMigration(id: "${id}", discardArchived: true) { state }`)
    await until('the rollback', async () => ((await one.migration('state')).state === 'ROLLED_BACK' ? true : undefined))
    const second = await one.migrate()
    await one.answered('CLICKHOUSE', 60)
    expect(await restore(one.server, 'all')).toMatchObject({ batches: 3, skipped: 0 })
    expect((await one.answered('CLICKHOUSE', 80)).archivedTokens).toBe('20')
    const verified = `verifyMigration(id: "${second}") { state difference verification { archivedTokens surplusLogs } }`
    expect(await one.operate(verified)).toEqual({
      state: 'COMPLETED',
      difference: '0',
      verification: { archivedTokens: '20', surplusLogs: [] },
    })
  })

  test('mends archived batches that were damaged; a backup that was changed, is of a later format, or has no such name is refused', async () => {
    const one = await scene()
    const id = await one.migrate()
    rmSync(one.path('p/b.jsonl'))
    await until('the archive', async () =>
      (await one.answered('CLICKHOUSE', 80)).archivedTokens === '20' ? true : undefined,
    )
    const { folder } = (await one.operate(`backupMigration(name: "b1") { ${REPORT} }`)) as { folder: string }
    await one.harm("ALTER TABLE copies UPDATE output = 500 WHERE session = 'b' SETTINGS mutations_sync = 2")
    await expect(one.operate(`backupMigration(name: "b2") { ${REPORT} }`)).rejects.toThrow('damaged')
    await expect(one.operate(`backupMigration(name: "b1") { ${REPORT} }`)).rejects.toThrow('there is a backup')
    expect(await restore(one.server, 'b1')).toMatchObject({ batches: 1, records: 11 })
    expect(await one.operate(`verifyMigration(id: "${id}") { state difference }`)).toEqual({
      state: 'COMPLETED',
      difference: '0',
    })
    await one.answered('CLICKHOUSE', 80)

    for (const name of ['../b1', '', 'nothing', '.', 'a/b', 'b1.partial'])
      await expect(restore(one.server, name)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', argument: 'name' })
    const manifest = join(folder, 'manifest.json')
    const text = readFileSync(manifest, 'utf8')
    writeFileSync(manifest, text.replace('"format": 1', '"format": 2'))
    await expect(restore(one.server, 'b1')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('format 2'),
    })
    writeFileSync(manifest, text)
    appendFileSync(join(folder, 'records.jsonl.gz'), 'x')
    await expect(restore(one.server, 'b1')).rejects.toMatchObject({ message: expect.stringContaining('was changed') })
  })
})
