import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/clickhouse/database.ts'
import { createJournalTable } from '../../src/clickhouse/journal-table.ts'
import {
  type ClickHouseServer,
  clickhouseSettings,
  PASSWORD,
  startClickHouseServer,
  USER,
} from '../support/clickhouse-server.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

let clickhouse: ClickHouseServer
let databases = 0
beforeAll(async () => {
  clickhouse = await startClickHouseServer()
})
afterAll(() => clickhouse.stop())

const KEY = Buffer.alloc(32, 7).toString('hex')

/** Instances with one database and the same transcripts, each with a journal of its own, where nothing else is said. */
function scene() {
  const folder = makeFolder()
  const database = `apart${databases++}`
  writeTranscripts(folder, { 'p/a.jsonl': [1, 2, 3].map((i) => line({ id: `msg_a_${i}`, session: 'a' })) })
  let count = 0
  const start = async (more: Record<string, string> = {}): Promise<TestServer> =>
    startServer(folder, {
      DATA_DIR: join(folder, `data-${count++}`),
      AUTH_JWT_SECRET: 'a secret that all instances share, of enough bytes',
      ...clickhouseSettings(clickhouse.url, database),
      RESCAN_INTERVAL_MS: '200',
      ...more,
    })
  return { folder, database, start }
}

const RECORD = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 100, output: 0 } }`
const ingest = async (server: TestServer): Promise<void> => {
  const { errors } = await server.ask(
    `mutation { ingestTokenRecords(input: { records: [${RECORD}] }) { accepted } }`,
    {},
    ['ingester'],
  )
  expect(errors).toBeUndefined()
}
const told = async (server: TestServer) => {
  const { data } = await server.ask(
    `{ tokenMetrics { tokens { total } provenance { source stale } } health { components { name state detail } } }`,
    {},
    ['viewer', 'operator'],
  )
  const { tokens, provenance } = data.tokenMetrics
  const component = (of: string) => data.health.components.find(({ name }: { name: string }) => name === of)
  const publisher: string = component('publisher').detail
  return { total: Number(tokens.total), ...provenance, publisher, journal: component('journal') }
}
type Told = Awaited<ReturnType<typeof told>>
const whenTold = (what: string, server: TestServer, is: (now: Told) => boolean): Promise<Told> =>
  until(what, async () => {
    const now = await told(server)
    return is(now) ? now : undefined
  })
const whenSure = (server: TestServer): Promise<Told> =>
  whenTold('nothing to be lacking', server, ({ stale, journal }) => !stale && journal.state === 'UP')
const migrate = async (server: TestServer): Promise<void> => {
  await server.ask('mutation { startMigration { id } }', {}, ['operator'])
  await whenTold('the end of the run', server, ({ source }) => source === 'CLICKHOUSE')
}

/** Straight to the tables, past the bridge. */
async function inDatabase<T>(database: string, run: (db: Database<string>) => Promise<T>): Promise<T> {
  const db = await openDatabase({ url: clickhouse.url, user: USER, password: PASSWORD, database, folder: '' })
  return run(db).finally(() => db.close())
}
/** How long ago the instances told something last, in milliseconds. */
const silences = (database: string): Promise<number[]> =>
  inDatabase(database, async (db) => {
    const { now, signs } = await createJournalTable(db).look()
    return signs.map(({ beat }) => now - beat)
  })

describe('instances with one database and journals of their own', () => {
  test('say stale from their very next answer on, where one has acknowledged what it cannot publish', async () => {
    const { folder, start } = scene()
    const first = await start()
    const second = await start()
    await whenSure(first)
    await whenSure(second)
    for (const n of [1, 2, 3]) {
      await ingest(second)
      expect(await told(first)).toMatchObject({ total: 6, stale: true })
      expect(await told(second)).toMatchObject({ total: 6 + 100 * n })
    }
    // it lacks nothing itself
    expect(await whenSure(second)).toMatchObject({ total: 306 })
    const { journal } = await told(first)
    expect(journal).toMatchObject({ state: 'DEGRADED', detail: expect.stringContaining('not shared') })
    // once the other one may publish, it is in everybody's answers
    await first.close()
    await whenTold('it to publish', second, (now) => now.publisher.startsWith('this instance'))
    await migrate(second)
    const again = await start({ DATA_DIR: join(folder, 'data-0') })
    await whenTold('all of it', again, ({ source, total, stale, journal }) => {
      return source === 'CLICKHOUSE' && total === 306 && !stale && journal.state === 'UP'
    })
  })

  test('lack nothing that the publisher has acknowledged without saying so', async () => {
    const { start } = scene()
    const first = await start()
    const second = await start()
    await migrate(first)
    await whenTold('it to be sure', second, ({ stale, source }) => !stale && source === 'CLICKHOUSE')
    for (let n = 1; n <= 20; n++) {
      await ingest(first)
      const now = await told(second)
      expect(now.stale || now.total === 6 + 100 * n, JSON.stringify(now)).toBe(true)
    }
    expect(await whenSure(second)).toMatchObject({ total: 2006, source: 'CLICKHOUSE' })
    expect(await whenSure(first)).toMatchObject({ total: 2006, source: 'CLICKHOUSE' })
  })

  test('lack nothing of one that is cut off from the database without saying so', async () => {
    const { start } = scene()
    const proxy = await startProxy(clickhouse.url)
    const first = await start()
    const second = await start({ CLICKHOUSE_URL: proxy.url })
    await whenSure(first)
    await whenSure(second)
    await proxy.cut()
    await ingest(second)
    expect(await told(first)).toMatchObject({ total: 6, stale: true })
    // what others do is not known either
    expect(await told(second)).toMatchObject({ total: 106, stale: true })
    await ingest(first)
    expect(await told(second)).toMatchObject({ total: 106, stale: true })
  })

  test('are not stale because of one that ended with everything published', async () => {
    const { start, database } = scene()
    const first = await start()
    const second = await start()
    await migrate(first)
    await whenTold('it to be sure', second, ({ stale, source }) => !stale && source === 'CLICKHOUSE')
    await first.close()
    await until('its last sign to be old', async () =>
      (await silences(database)).some((ms) => ms > 2500) ? true : undefined,
    )
    expect(await whenSure(second)).toMatchObject({ total: 6, source: 'CLICKHOUSE' })
  })
})

test('are stale because of a journal that is gone, over a start without the database, until it is forgotten', async () => {
  const { folder, database, start } = scene()
  const proxy = await startProxy(clickhouse.url)
  const settings = { DATA_DIR: join(folder, 'data'), CLICKHOUSE_URL: proxy.url }
  const server = await start(settings)
  await whenSure(server)
  await inDatabase(database, (db) =>
    createJournalTable(db).tell({ journal: 'gone', instance: 'elsewhere:1', beat: 1, pending: false, ended: false }),
  )
  const { journal } = await whenTold('it to be noticed', server, ({ stale }) => stale)
  expect(journal).toMatchObject({ state: 'DEGRADED', detail: expect.stringMatching(/elsewhere:1 .*\(gone\)/) })
  await until('the log to say so', () =>
    /elsewhere:1.*answers lack what another instance/.test(server.log()) ? true : undefined,
  )
  await server.close()

  await proxy.cut()
  const again = await start(settings)
  expect(await told(again)).toMatchObject({ stale: true, source: 'LEGACY' })
  await proxy.restore()
  await whenTold('the database to be used', again, ({ publisher }) => publisher.startsWith('this instance'))
  expect(await told(again)).toMatchObject({ stale: true })
  const [statement] = /DELETE FROM journals .*/.exec(readFileSync('docs/runbooks/journals-apart.md', 'utf8')) ?? []
  await inDatabase(database, (db) => db.command('forget', String(statement).replace('ID', 'gone')))
  await whenSure(again)
})

describe('instances with one database and one journal', () => {
  /** Two of them, each with a way of its own to the folder. */
  const sharing = async () => {
    const { folder, start } = scene()
    const shared = join(folder, 'journal')
    mkdirSync(shared, { mode: 0o700 })
    const ways = [0, 1].map((n) => join(folder, `way-${n}`))
    const servers: TestServer[] = []
    for (const [n, way] of ways.entries()) {
      symlinkSync(shared, way)
      mkdirSync(join(folder, `data-${n}`), { mode: 0o700 })
      writeFileSync(join(folder, `data-${n}`, 'journal-key'), `${KEY}\n`, { mode: 0o600 })
      servers.push(await start({ JOURNAL_DIR: way }))
    }
    return { servers: servers as [TestServer, TestServer], ways: ways as [string, string] }
  }

  test('are never stale because of each other, and tell nothing while they acknowledge', async () => {
    const { servers } = await sharing()
    for (const server of servers) await whenSure(server)
    const tellings = () => clickhouse.requests.filter(({ name }) => name === 'tell-journal').length
    const before = tellings()
    for (let n = 0; n < 10; n++) {
      await ingest(servers[n % 2] as TestServer)
      for (const server of servers) expect(await told(server)).toMatchObject({ stale: false })
    }
    expect(tellings()).toBe(before)
  })

  test('say stale from their very next answer on where they cannot read it any more', async () => {
    const { servers, ways } = await sharing()
    for (const server of servers) await whenSure(server)
    rmSync(ways[1])
    await ingest(servers[0])
    expect(await told(servers[1])).toMatchObject({ total: 6, stale: true })
    expect(await told(servers[0])).toMatchObject({ total: 106, stale: false })
  })
})
