import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openDatabase } from '../../src/clickhouse/database.ts'
import {
  type ClickHouseServer,
  clickhouseSettings,
  PASSWORD,
  startClickHouseServer,
  USER,
} from '../support/clickhouse-server.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { openSocket, subscribe } from '../support/small-subscriptions.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

let clickhouse: ClickHouseServer
let databases = 0
beforeAll(async () => {
  clickhouse = await startClickHouseServer()
})
afterAll(() => clickhouse.stop())

/** Instances with one database, one Redis, one journal and, where they have any, the same transcripts. */
function scene() {
  const folder = makeFolder()
  const database = `instances${databases++}`
  writeTranscripts(folder, {
    'p/a.jsonl': [1, 2, 3].map((i) => line({ id: `msg_a_${i}`, session: 'a' })),
    'p/b.jsonl': [1, 2].map((i) => line({ id: `msg_b_${i}`, session: 'b' })),
  })
  let count = 0
  const start = async (more: Record<string, string> = {}): Promise<TestServer> => {
    return startServer(folder, {
      DATA_DIR: join(folder, `data-${count++}`),
      JOURNAL_DIR: join(folder, 'journal'),
      JOURNAL_KEY: Buffer.alloc(32, 7).toString('base64'),
      AUTH_JWT_SECRET: 'a secret that all instances share, of enough bytes',
      ...clickhouseSettings(clickhouse.url, database),
      REDIS_URL: inject('redisUrl'),
      RESCAN_INTERVAL_MS: '200',
      ...more,
    })
  }
  return { folder, database, start, path: (file: string) => join(folder, 'projects', file) }
}

const OPERATOR = ['viewer', 'operator', 'ingester'] as const
const operate = (server: TestServer, mutation: string) => server.ask(`mutation { ${mutation} }`, {}, OPERATOR)
const QUESTION = `{
  tokenMetrics { tokens { total } sessionCount recordCount provenance { source reason migrationProgress stale } }
  migration { id state progress tokensVerified }
  health { components { name state detail } } }`
const told = async (server: TestServer) => {
  const { data } = await server.ask(QUESTION, {}, OPERATOR)
  const { tokens, sessionCount, recordCount, provenance } = data.tokenMetrics
  const publisher = data.health.components.find(({ name }: { name: string }) => name === 'publisher')
  return {
    answer: { total: Number(tokens.total), sessionCount, recordCount: Number(recordCount) },
    provenance,
    run: data.migration,
    publisher,
  }
}
const whenTold = (server: TestServer, source: string, total: number) =>
  until(`${total} tokens from ${source}`, async () => {
    const now = await told(server)
    return now.answer.total === total && now.provenance.source === source ? now : undefined
  })

/** Readers are answered from the database before that: while it is verified. */
const whenCompleted = (server: TestServer) =>
  until('the run to be COMPLETED', async () => {
    const now = await told(server)
    return now.run?.state === 'COMPLETED' ? now : undefined
  })

describe('several instances with one database', () => {
  test('answer from it, all the same and with the same progress, whoever publishes', async () => {
    const { start, path } = scene()
    const first = await start()
    const second = await start()
    const third = await start()
    const where = `process ${process.pid} on ${hostname()}, ${first.url}`
    expect((await told(first)).publisher).toMatchObject({ state: 'UP', detail: `this instance, ${where}` })
    const { publisher } = await told(second)
    expect(publisher).toMatchObject({ state: 'UP', detail: where })
    expect((await operate(second, 'startMigration { id }')).errors?.[0]).toMatchObject({
      message: `${publisher.detail} publishes to this database: ask that instance`,
      extensions: { code: 'CONFLICT' },
    })
    expect((await operate(first, 'startMigration { id }')).errors).toBeUndefined()
    await whenTold(first, 'CLICKHOUSE', 10)
    const { run, answer } = await whenCompleted(first)
    for (const other of [second, third]) {
      const now = await until('the same of another', async () => {
        const { run: seen, ...rest } = await told(other)
        return seen?.state === 'COMPLETED' && rest.provenance.source === 'CLICKHOUSE'
          ? { run: seen, ...rest }
          : undefined
      })
      expect(now).toMatchObject({ answer, run, provenance: { migrationProgress: 1 } })
    }
    // what is written later, and what comes in by another instance
    writeFileSync(path('p/c.jsonl'), `${line({ id: 'msg_c', session: 'c' })}\n`)
    const record = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 100, output: 0 } }`
    await operate(third, `ingestTokenRecords(input: { records: [${record}] }) { accepted }`)
    for (const server of [first, second, third]) await whenTold(server, 'CLICKHOUSE', 112)
  })

  test('have what another one has acknowledged in their very next answers', async () => {
    const { start } = scene()
    const servers = [await start(), await start(), await start()]
    const record = `{ sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:00:00Z", tokens: { input: 100, output: 0 } }`
    const calls = 30
    let stale = 0
    for (let n = 0; n < calls; n++) {
      await operate(servers[n % 3] as TestServer, `ingestTokenRecords(input: { records: [${record}] }) { accepted }`)
      const { answer, provenance } = await told(servers[(n + 1) % 3] as TestServer)
      // on a busy machine another one may not be heard for a moment, and an answer says that it may be late
      if (provenance.stale) stale++
      else expect(answer.total).toBe(10 + 100 * (n + 1))
    }
    expect(stale).toBeLessThan(calls / 2)
  })

  test('tell live figures of what another one has published, and of its rollback', async () => {
    const { folder, start, path } = scene()
    const first = await start()
    // on a busy machine the database is opened later than the start waits
    const data = await until('the run to be begun', async () => {
      const begun = await operate(first, 'startMigration { id }')
      return begun.errors === undefined ? begun.data : undefined
    })
    await whenTold(first, 'CLICKHOUSE', 10)
    // it sees none of the files: whatever it is told, the other one has published
    mkdirSync(join(folder, 'none', 'projects'), { recursive: true })
    const other = await start({ TRANSCRIPTS_DIR: join(folder, 'none') })
    await whenTold(other, 'CLICKHOUSE', 10)
    const { socket, messages, send } = await openSocket(other.url, await other.token(['viewer'], 'ann'))
    send(subscribe('s', 'subscription { tokenMetricsUpdated { tokens { total } provenance { source stale } } }'))
    const value = (wanted: string) =>
      until(wanted, () =>
        messages.map((message) => JSON.stringify(message.payload)).find((one) => one?.includes(wanted)),
      )
    await value('"total":"10"')
    writeFileSync(path('p/c.jsonl'), `${line({ id: 'msg_c', session: 'c' })}\n`)
    await value('"total":"12"')
    await operate(first, `rollbackMigration(id: "${data.startMigration.id}") { state }`)
    await value('"source":"LEGACY"')
    socket.terminate()
  })

  test('answer exactly, each time, while one ships, retires, rolls back and repairs', async () => {
    const { folder, start, path } = scene()
    for (const session of ['c', 'd', 'e', 'f'])
      writeTranscripts(folder, {
        [`q/${session}.jsonl`]: Array.from({ length: 400 }, (_, i) => line({ id: `msg_${session}_${i}`, session })),
      })
    const first = await start()
    const others = [await start(), await start()]
    const sources = new Set<string>()
    const wrong: unknown[] = []
    let isOver = false
    const watching = others.map(async (server) => {
      while (!isOver) {
        const { answer, provenance } = await told(server)
        sources.add(provenance.source)
        if (answer.total !== 3210 || answer.sessionCount !== 6 || answer.recordCount !== 1605)
          wrong.push({ ...answer, ...provenance })
      }
    })
    const ended = (state: string) =>
      until(`the run to be ${state}`, async () => ((await told(first)).run?.state === state ? true : undefined))
    const migrate = async (): Promise<string> => {
      const { data } = await operate(first, 'startMigration { id }')
      await ended('COMPLETED')
      for (const server of others) await whenTold(server, 'CLICKHOUSE', 3210)
      return data.startMigration.id
    }
    const id = await migrate()
    renameSync(path('q/c.jsonl'), path('q/renamed.jsonl'))
    for (const server of [first, ...others]) await whenTold(server, 'CLICKHOUSE', 3210)
    // refused while the log that was renamed is shipped anew
    await until('the repair', async () => {
      const { errors } = await operate(first, `repairMigration(id: "${id}", dryRun: false) { winnersRebuilt }`)
      return errors === undefined ? true : undefined
    })
    expect((await operate(first, `rollbackMigration(id: "${id}") { state }`)).errors).toBeUndefined()
    await ended('ROLLED_BACK')
    for (const server of others) await whenTold(server, 'LEGACY', 3210)
    await migrate()
    isOver = true
    await Promise.all(watching)
    expect(wrong).toEqual([])
    expect(sources).toContain('CLICKHOUSE')
  })

  test('learn within a second what the one that publishes is told to do: a run, and its rollback', async () => {
    const { start } = scene()
    const first = await start()
    const second = await start()
    const looks = () => clickhouse.requests.filter(({ name }) => name === 'ledger-after').length
    const learnedAfter: number[] = []
    /** What the first one was told, and how often the second looks until it says the same. */
    const both = async (mutation: string, states: string): Promise<string> => {
      const { data } = await operate(first, `told: ${mutation} { id }`)
      const before = looks()
      await until(`the second to say ${states}`, async () => {
        const run = (await second.ask('{ migration { id state } }', {}, OPERATOR)).data.migration
        return run?.id === data.told.id && states.includes(run.state) ? true : undefined
      })
      learnedAfter.push(looks() - before)
      return data.told.id
    }
    for (let n = 0; n < 2; n++) {
      const id = await both('startMigration', 'PLANNED RUNNING VERIFYING COMPLETED')
      await whenTold(second, 'CLICKHOUSE', 10)
      await both(`rollbackMigration(id: "${id}")`, 'ROLLING_BACK ROLLED_BACK')
      expect((await told(second)).provenance).toMatchObject({ source: 'LEGACY', migrationProgress: 0 })
      await until('the rollback', async () => ((await told(second)).run.state === 'ROLLED_BACK' ? true : undefined))
    }
    // four looks a second; one was on its way, and on a busy machine the answer that says it may be late
    expect(learnedAfter.toSorted((a, b) => a - b)[learnedAfter.length / 2]).toBeLessThanOrEqual(4)
  })

  test('say all the same that the database lost what nobody else has', async () => {
    const { start, path, database } = scene()
    const servers = [await start(), await start()]
    const [first] = servers as [TestServer, TestServer]
    await operate(first, 'startMigration { id }')
    await whenTold(first, 'CLICKHOUSE', 10)
    await whenCompleted(first)
    rmSync(path('p/b.jsonl'))
    const lost = (server: TestServer) =>
      server.ask(
        `{ tokenMetrics { quality { archivedTokens missingRecords } provenance { stale } }
           health { components { name state detail } } }`,
        {},
        OPERATOR,
      )
    await until('the archive', async () =>
      (await lost(first)).data.tokenMetrics.quality.archivedTokens === '4' ? true : undefined,
    )
    const db = await openDatabase({ url: clickhouse.url, user: USER, password: PASSWORD, database, folder: '' })
    for (const table of ['copies', 'winners']) await db.command('harm', `TRUNCATE TABLE ${table}`)
    await db.close()
    await operate(first, 'startMigration { id }')
    for (const server of servers)
      await until('the loss', async () => {
        const { tokenMetrics, health } = (await lost(server)).data
        const { state, detail } = health.components.find(({ name }: { name: string }) => name === 'clickhouse')
        const isTold = tokenMetrics.quality.missingRecords === '2' && tokenMetrics.provenance.stale
        return isTold && state === 'DEGRADED' && detail.includes('1 archived log are gone') ? true : undefined
      })
  })

  test('of which one has no transcripts: it says so, and answers what the database has, or nothing', async () => {
    const { start, folder } = scene()
    const first = await start()
    await operate(first, 'startMigration { id }')
    await whenTold(first, 'CLICKHOUSE', 10)
    mkdirSync(join(folder, 'none', 'projects'), { recursive: true })
    const empty = await start({ TRANSCRIPTS_DIR: join(folder, 'none') })
    const asked = async (preference: string) => {
      const { data, errors } = await empty.ask(
        `{ tokenMetrics(preference: ${preference}) { tokens { total } provenance { source reason stale } }
           health { components { name state detail } } }`,
        {},
        OPERATOR,
      )
      return { ...data?.tokenMetrics?.provenance, code: errors?.[0]?.extensions?.code, health: data?.health }
    }
    // until it has seen the database it has nothing to answer from, and says so
    const answered = await until('an answer', async () => {
      const now = await asked('AUTO')
      return now.code === 'SOURCE_UNAVAILABLE' ? undefined : now
    })
    expect(answered).toMatchObject({ code: undefined, source: 'CLICKHOUSE', stale: false })
    expect((await told(empty)).answer.total).toBe(10)
    const legacy = await asked('LEGACY')
    expect(legacy).toMatchObject({ source: 'LEGACY', stale: true })
    expect(legacy.health.components[0]).toMatchObject({ state: 'DEGRADED', detail: /no transcripts on this disk/ })
    clickhouse.cutOff(true)
    await until('the database to be away', async () =>
      (await asked('AUTO')).code === 'SOURCE_UNAVAILABLE' ? true : undefined,
    )
    clickhouse.cutOff(false)
    await until('answers again', async () => ((await asked('AUTO')).source === 'CLICKHOUSE' ? true : undefined))
    expect((await told(empty)).answer.total).toBe(10)
  })
})
