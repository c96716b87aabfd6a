import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

const DATABASE = 'taken_over'
/** Tokens in transcripts that stay, in one that is pruned, and by mutation. */
const [KEPT, PRUNED, INGESTED] = [6, 4, 100]
const RECORD = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 100, output: 0 } }`

const told = async (server: TestServer) => {
  const { data } = await server.ask(
    `{ tokenMetrics { tokens { total } quality { archivedTokens } provenance { source reason stale } }
       health { components { name detail } } }`,
    {},
    ['viewer', 'operator'],
  )
  const { tokens, provenance } = data.tokenMetrics
  const publisher = data.health.components.find(({ name }: { name: string }) => name === 'publisher')
  return { total: Number(tokens.total), ...provenance, publishes: publisher.detail.startsWith('this instance') }
}
type Told = Awaited<ReturnType<typeof told>>

/** Asks again and again; no answer lacks anything of the whole without saying so. */
const asked = (what: string, whole: number, server: TestServer, is: (now: Told) => boolean): Promise<Told> =>
  until(what, async () => {
    const now = await told(server)
    expect(now.total === whole || now.stale, `${what}: ${JSON.stringify(now)}`).toBe(true)
    return is(now) ? now : undefined
  })

test('an instance that goes on for another one, with a journal of its own, lacks nothing without saying so, whichever statement fails', async () => {
  const folder = makeFolder()
  writeTranscripts(folder, {
    'p/a.jsonl': [1, 2, 3].map((i) => line({ id: `msg_a_${i}`, session: 'a' })),
    'p/gone.jsonl': [1, 2].map((i) => line({ id: `msg_gone_${i}`, session: 'gone' })),
  })
  let count = 0
  const start = (): Promise<TestServer> =>
    startServer(folder, {
      DATA_DIR: join(folder, `data-${count++}`),
      AUTH_JWT_SECRET: 'a secret that all instances share, of enough bytes',
      ...clickhouseSettings(clickhouse.url, DATABASE),
      RESCAN_INTERVAL_MS: '200',
    })
  let publisher = await start()
  await publisher.ask('mutation { startMigration { id } }', {}, ['operator'])
  // with its verification: a transcript that is gone before that fails it
  await until('the run', async () => {
    const { data } = await publisher.ask('{ migration { state } }', {}, ['operator'])
    return data.migration.state === 'COMPLETED' ? true : undefined
  })
  rmSync(join(folder, 'projects', 'p', 'gone.jsonl'))
  let whole = KEPT + PRUNED
  const takeOver = async (fail: () => void): Promise<void> => {
    const next = await start()
    await asked('it to follow', whole, next, ({ source, stale }) => source === 'CLICKHOUSE' && !stale)
    const closed = publisher.close()
    fail()
    await asked('it to publish', whole, next, ({ publishes }) => publishes)
    await closed
    // what it could not tell at its end is its operator's word
    const gone = readFileSync(join(publisher.folder, `data-${count - 2}`, 'journal', 'journal-id'), 'utf8').trim()
    const db = await openDatabase({
      url: clickhouse.url,
      user: USER,
      password: PASSWORD,
      database: DATABASE,
      folder: '',
    })
    await db.command('forget', `DELETE FROM journals WHERE journal = '${gone}'`).finally(() => db.close())
    await asked(
      'it to be sure',
      whole,
      next,
      ({ source, stale, total }) => source === 'CLICKHOUSE' && !stale && total === whole,
    )
    publisher = next
  }
  // each statement of a take-over was tried once; these are those after which another source may answer
  for (const name of ['take-fence', 'append-ledger', 'ledger-head'])
    await takeOver(() => clickhouse.failNext(name, 'cut-off-after'))
  // now the journal of one alone has what the others have from ClickHouse
  await publisher.ask(`mutation { ingestTokenRecords(input: { records: [${RECORD}] }) { accepted } }`, {}, ['ingester'])
  whole += INGESTED
  await asked('it to be published', whole, publisher, ({ source, total }) => source === 'CLICKHOUSE' && total === whole)
  for (const name of ['append-ledger', 'ledger-head']) await takeOver(() => clickhouse.failNext(name, 'cut-off-after'))
}, 300_000)
