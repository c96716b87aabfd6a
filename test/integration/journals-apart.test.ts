import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/clickhouse/database.ts'
import { createJournalTable } from '../../src/clickhouse/journal-table.ts'
import { type ClickHouseServer, PASSWORD, startClickHouseServer, USER } from '../support/clickhouse-server.ts'
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
      CLICKHOUSE_URL: clickhouse.url,
      CLICKHOUSE_USER: USER,
      CLICKHOUSE_PASSWORD: PASSWORD,
      CLICKHOUSE_DATABASE: database,
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
  whenTold('an answer that is not stale', server, (now) => !now.stale)
const migrate = async (server: TestServer): Promise<void> => {
  await server.ask('mutation { startMigration { id } }', {}, ['operator'])
  await whenTold('the end of the run', server, ({ source }) => source === 'CLICKHOUSE')
}

/** How long ago the instances told something last, in milliseconds. */
async function silences(database: string): Promise<number[]> {
  const db = await openDatabase({ url: clickhouse.url, user: USER, password: PASSWORD, database, folder: '' })
  try {
    const { now, signs } = await createJournalTable(db).look()
    return signs.map(({ beat }) => now - beat)
  } finally {
    await db.close()
  }
}

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
      expect(await told(second)).toMatchObject({ total: 6 + 100 * n, stale: false })
    }
    const { journal } = await told(first)
    expect(journal).toMatchObject({ state: 'DEGRADED', detail: expect.stringContaining('not shared') })
    expect((await told(second)).journal.state).toBe('UP')
    // once the other one may publish, it is in everybody's answers
    await first.close()
    await whenTold('it to publish', second, (now) => now.publisher === 'this instance')
    await migrate(second)
    const again = await start({ DATA_DIR: join(folder, 'data-0') })
    expect(await whenTold('all of it', again, ({ source, stale }) => source === 'CLICKHOUSE' && !stale)).toMatchObject({
      total: 306,
      journal: { state: 'UP' },
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

  test('are not stale because of one that ended with everything published, and not while it is away', async () => {
    const { start, database } = scene()
    const first = await start()
    const second = await start()
    await migrate(first)
    await whenTold('it to be sure', second, ({ stale, source }) => !stale && source === 'CLICKHOUSE')
    await first.close()
    await until('its last sign to be old', async () => {
      expect(await told(second)).toMatchObject({ stale: false, total: 6 })
      return (await silences(database)).some((ms) => ms > 2500) ? true : undefined
    })
  })
})

describe('instances with one database and one journal', () => {
  test('are never stale because of each other, and tell nothing while they acknowledge', async () => {
    const { folder, start } = scene()
    const shared = { JOURNAL_DIR: join(folder, 'journal') }
    for (const n of [0, 1]) {
      mkdirSync(join(folder, `data-${n}`), { mode: 0o700 })
      writeFileSync(join(folder, `data-${n}`, 'journal-key'), `${KEY}\n`, { mode: 0o600 })
    }
    const servers = [await start(shared), await start(shared)] as const
    const tellings = () => clickhouse.requests.filter(({ name }) => name === 'tell-journal').length
    const before = tellings()
    for (let n = 0; n < 10; n++) {
      await ingest(servers[n % 2] as TestServer)
      for (const server of servers) expect(await told(server)).toMatchObject({ stale: false })
    }
    expect(tellings()).toBe(before)
    for (const server of servers) expect((await told(server)).journal.state).toBe('UP')
  })
})
