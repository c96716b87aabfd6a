import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Database, openDatabase } from '../../src/clickhouse/database.ts'
import { askForRight, takeRightToPublish } from '../../src/clickhouse/right-to-publish.ts'
import { applySchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import { currentFence } from '../../src/clickhouse/statements/fence.ts'
import {
  type ClickHouseServer,
  clickhouseSettings,
  PASSWORD,
  startClickHouseServer,
  USER,
} from '../support/clickhouse-server.ts'
import { startServer } from '../support/server.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

let clickhouse: ClickHouseServer
beforeAll(async () => {
  clickhouse = await startClickHouseServer()
})
afterAll(() => clickhouse.stop())

async function openAt(database: string): Promise<Database> {
  const db = await openDatabase({ url: clickhouse.url, user: USER, password: PASSWORD, database, folder: '' })
  onTestFinished(() => db.close())
  await applySchemaChanges(db)
  return db
}
const asker = (db: Database) => async (place: string, process: string, aliveMs: number) => {
  const answer = await askForRight({ db, place, holder: `${place}:${process}`, aliveMs })
  if (answer.kind === 'held') return { by: answer.by }
  onTestFinished(answer.right.release)
  return answer.right
}
const FOR_EVER = 1e9

describe('the right to publish', () => {
  test('is kept while its holder lives, and taken from one who is silent for too long', async () => {
    const db = await openAt('rights')
    const ask = asker(db)
    await takeRightToPublish(db, 'stalled')
    expect(await ask('first', '1', FOR_EVER)).toEqual({ by: 'stalled' })
    expect(await ask('first', '1', 0)).toHaveProperty('epoch')
    let refused = 0
    // longer than it is kept without a sign of life
    for (const end = Date.now() + 7000; Date.now() < end; refused++)
      expect(await ask('second', '1', 5000)).toEqual({ by: 'first:1' })
    expect(refused).toBeGreaterThan(0)
  })

  test('is free at once when it is given back, and for the next process with the data folder of the one before', async () => {
    const ask = asker(await openAt('given_back'))
    const first = await ask('first', '1', FOR_EVER)
    expect(await ask('second', '1', FOR_EVER)).toEqual({ by: 'first:1' })
    expect(await ask('first', '2', FOR_EVER)).toHaveProperty('epoch')
    // the one before is late, and gives back what is not its own any more
    await ('release' in first ? first.release() : undefined)
    expect(await ask('second', '1', FOR_EVER)).toEqual({ by: 'first:2' })
    const third = await ask('first', '3', FOR_EVER)
    await ('release' in third ? third.release() : undefined)
    expect(await ask('second', '1', FOR_EVER)).toHaveProperty('epoch')
  })

  test("is never two processes', however late one of two that ask at the same time is", async () => {
    const db = await openAt('at_once')
    const late = Promise.withResolvers<void>()
    const isAsking = Promise.withResolvers<void>()
    /** Has looked who holds the right, and is about to take it. */
    const stalling: Database = {
      ...db,
      async command(name, ...rest) {
        if (name === 'take-fence') {
          isAsking.resolve()
          await late.promise
        }
        await db.command(name, ...rest)
      },
    }
    const second = takeRightToPublish(stalling, 'b').catch((error: Error) => error.message)
    await isAsking.promise
    const first = await takeRightToPublish(db, 'c')
    late.resolve()
    const epoch = await second
    expect(epoch).not.toBe(first)
    const [current] = await db.query(currentFence)
    if (typeof epoch === 'string') expect(current).toEqual({ epoch: first, holder: 'c' })
    else expect(current).toEqual({ epoch, holder: 'b' })
  })

  test('comes with the news that the database is back, after it was not heard', async () => {
    await openAt('away')
    const way = await startProxy(clickhouse.url)
    const db = await openDatabase({ url: way.url, user: USER, password: PASSWORD, database: 'away', folder: '' })
    onTestFinished(() => db.close())
    let back = 0
    const answer = await askForRight({ db, place: 'here', holder: 'here:1', onBack: () => back++ })
    if (answer.kind === 'taken') onTestFinished(answer.right.release)
    const beats = () => clickhouse.requests.filter(({ name }) => name === 'heartbeat').length
    const before = beats()
    await until('a sign of life', () => beats() > before || undefined)
    expect(back).toBe(0)
    await way.cut()
    // a sign of life comes every two seconds: more than one is not heard
    const cutAt = performance.now()
    await until('some that are not heard', () => performance.now() - cutAt > 5000 || undefined)
    await way.restore()
    await until('the news', () => back > 0 || undefined)
    const told = beats()
    await until('another sign of life', () => beats() > told || undefined)
    expect(back).toBe(1)
  })

  test('that somebody else took stops whoever stalled: it publishes nothing, reads on, and has the right again once they are gone', async () => {
    const folder = makeFolder()
    writeTranscripts(folder, { 'p/a.jsonl': [line({ id: 'msg_1' }), line({ id: 'msg_2' })] })
    const server = await startServer(folder, clickhouseSettings(clickhouse.url, 'fenced'))
    const told = async () => {
      const { data } = await server.ask(
        '{ tokenMetrics { tokens { total } provenance { source } } health { components { name state detail } } }',
        {},
        ['operator'],
      )
      const { tokens, provenance } = data.tokenMetrics
      const publisher = data.health.components.find(({ name }: { name: string }) => name === 'publisher')
      return { total: tokens.total, source: provenance.source, publisher: publisher.detail }
    }
    const whenTold = (what: string, is: (now: Awaited<ReturnType<typeof told>>) => boolean) =>
      until(what, async () => (is(await told()) ? true : undefined))
    await server.ask('mutation { startMigration { id } }', {}, ['operator'])
    await whenTold('answers from ClickHouse', ({ source }) => source === 'CLICKHOUSE')
    const db = await openAt('fenced')
    await takeRightToPublish(db, 'another host')
    const record = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 96, output: 0 } }`
    await server.ask(`mutation { ingestTokenRecords(input: { records: [${record}] }) { accepted } }`, {}, ['ingester'])
    await whenTold('it to notice', ({ publisher }) => publisher === 'another host')
    expect(await told()).toMatchObject({ total: '100' })
    expect(server.log()).toContain('this instance publishes no more')
    // it reads on as soon as what was announced is carried out, and publishes a little later
    await whenTold('it to answer again', ({ source, total }) => source === 'CLICKHOUSE' && total === '100')
    await whenTold('it to publish again', ({ publisher }) => publisher.startsWith('this instance'))
  })
})
