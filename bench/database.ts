// Answers from ClickHouse over many records, uncached, and what publishing to it costs: by sums, and beside them by the
// winners one by one, as before there were sums.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { type ClickHouseProcess, startClickHouse } from '../scripts/clickhouse-server.ts'
import { type Database, openDatabase } from '../src/clickhouse/database.ts'
import { createPublishedRecords } from '../src/clickhouse/published-records.ts'
import { createRecordStore } from '../src/clickhouse/record-store.ts'
import { applySchemaChanges } from '../src/clickhouse/schema-changes.ts'
import { SESSION_ORDERS } from '../src/domain/cuts.ts'
import { EVERYTHING } from '../src/domain/scope.ts'
import type { TokenQuery } from '../src/domain/token-query.ts'
import { POLICIES } from '../src/policies/policies.ts'
import type { RecordStore } from '../src/ports/record-store.ts'
import { createGenaiPriceList } from '../src/pricing/genai-price-list.ts'
import { recordOf } from './database-records.ts'
import type { Figure } from './figures.ts'
import { median } from './measure.ts'
import { DAY_MS, END, PLANTED_AT_ONCE, plantedSql } from './planted-winners.ts'

const ROUNDS = 5
const LIVE_RECORDS = 1000
const LEFT_OUT = 100_000
const USER = { name: 'bench', password: 'bench' }

const DAYS = { granularity: 'DAY', timeZone: 'UTC' } as const
const DAYS_OF_BERLIN = { granularity: 'DAY', timeZone: 'Europe/Berlin' } as const
const LAST_30_DAYS = { from: END - 30 * DAY_MS, to: END }

/** What a dashboard's whole view asks for. */
export const VIEW: TokenQuery = {
  filter: {},
  groupings: [[DAYS], ['project'], ['user']],
  sessionPages: [{ order: 'LAST_ACTIVITY_DESC', first: 20 }],
}

/** Twenty sessions by each order, beside all of them, and a breakdown by session. */
const sessionsOf = (range: string, filter: TokenQuery['filter']): Record<string, TokenQuery> => {
  const pages = SESSION_ORDERS.map((order): [string, TokenQuery] => [
    `${range}, 20 sessions by ${order}`,
    { filter, groupings: [], sessionPages: [{ order, first: 20 }] },
  ])
  const breakdowns = [{ by: ['session'] as const, buckets: undefined, first: 20, orderBy: 'COST_DESC' as const }]
  return {
    [`${range}, all sessions`]: { filter, groupings: [], sessions: true },
    ...Object.fromEntries(pages),
    [`${range}, 20 sessions as a breakdown by cost`]: { filter, groupings: [], breakdowns },
  }
}

/** What a dashboard asks. */
const HEADLINE = '30 days, whole view with sessions'

const QUERIES: Record<string, TokenQuery> = {
  '30 days, by model': { filter: LAST_30_DAYS, groupings: [] },
  '30 days, days, projects, users': { filter: LAST_30_DAYS, groupings: [[DAYS], ['project'], ['user']] },
  '30 days, by day of Berlin': { filter: LAST_30_DAYS, groupings: [[DAYS_OF_BERLIN]] },
  '30 days, by hour': { filter: LAST_30_DAYS, groupings: [[{ granularity: 'HOUR', timeZone: 'UTC' }]] },
  '30 days, one project': { filter: { ...LAST_30_DAYS, projects: ['project-3'] }, groupings: [] },
  [HEADLINE]: { ...VIEW, filter: LAST_30_DAYS },
  '30 days from and to 7 minutes past, by model': {
    filter: { from: LAST_30_DAYS.from + 420_000, to: LAST_30_DAYS.to - 480_000 },
    groupings: [],
  },
  'all of history, by model': { filter: {}, groupings: [] },
  'all of history, by day': { filter: {}, groupings: [[DAYS]] },
  'all of history, days, projects, users': { filter: {}, groupings: [[DAYS], ['project'], ['user']] },
  'all of history, whole view with sessions': VIEW,
  ...sessionsOf('30 days', LAST_30_DAYS),
  ...sessionsOf('all of history', {}),
}

export async function benchDatabase(
  sizes: readonly number[],
  way: 'embedded' | 'server' = 'embedded',
): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const records of sizes) {
    const folder = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
    const server =
      way === 'server' ? await startClickHouse({ folder: join(folder, 'server'), port: 0, users: [USER] }) : undefined
    const db = await openBench(join(folder, 'engine'), server)
    try {
      figures.push(await benchOne(db, records, way))
    } finally {
      await db.close()
      await server?.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return figures
}

/** Millions of records are planted by one statement. */
const openBench = (folder: string, server: ClickHouseProcess | undefined): Promise<Database<string>> =>
  openDatabase({
    url: server?.url,
    user: USER.name,
    password: USER.password,
    database: 'bench',
    folder,
    policies: { ...POLICIES.clickhouse, work: { ...POLICIES.clickhouse.work, deadlineMs: 300_000 } },
  })

async function benchOne(db: Database<string>, records: number, way: string): Promise<Figure> {
  await applySchemaChanges(db)
  const planted = await timeOf(() => plant(db, records))
  const store = createRecordStore(db)
  const summed = await timeOf(() => store.rebuildSums(1))
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  say(`\nClickHouse source (${way}), uncached, ${records} records, medians of ${ROUNDS}, ms: by sums, by winners`)
  say(`  planted in ${(planted / 1000).toFixed(1)} s, summed in ${(summed / 1000).toFixed(1)} s; ${await sizes(db)}`)
  const prices = createGenaiPriceList()
  const sources = [db, withoutSums(db)].map((one) => createPublishedRecords(one, { prices }))
  const nothing = new Uint8Array(0)
  const measure = async (name: string, query: TokenQuery, without: Uint8Array): Promise<string[]> => {
    const figures: string[] = []
    for (const published of sources) {
      const run = () => published.answer({ queries: [query], access: EVERYTHING }, without)
      figures.push(await medianOf(run).catch((error: Error) => error.message.slice(0, 40)))
    }
    say(`  ${name.padEnd(52)} ${figures.map((figure) => figure.padStart(8)).join(' ')}`)
    return figures
  }
  const ms: Record<string, string[]> = {}
  for (const [name, query] of Object.entries(QUERIES)) ms[name] = await measure(name, query, nothing)
  const without = await latestIdentities(db)
  for (const name of ['30 days, by model', HEADLINE, 'all of history, by model'])
    await measure(`${name}, hybrid, ${without.length / 16} left out`, QUERIES[name] as TokenQuery, without)
  say(`  ${`a live batch of ${LIVE_RECORDS} is published`.padEnd(52)} ${(await live(store)).padStart(8)}`)
  const [sums, winners] = ms[HEADLINE] ?? []
  const peer = `the same by its records, one by one: ${winners} ms`
  return { what: `${HEADLINE}, of ${records / 1e6} million records in ClickHouse (${way})`, ours: `${sums} ms`, peer }
}

const timeOf = async (run: () => Promise<unknown>): Promise<number> => {
  const started = performance.now()
  await run()
  return performance.now() - started
}

async function medianOf(run: () => Promise<unknown>): Promise<string> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) times.push(await timeOf(run))
  return median(times).toFixed(0)
}

/** As readers see a database whose sums are not all there. */
const withoutSums = (db: Database<string>): Database<string> => ({
  ...db,
  query: (statement, params) => (statement.name === 'filled-sums' ? Promise.resolve([]) : db.query(statement, params)),
})

/** Winners, and the copies that they come from, as publishing leaves them. */
export async function plant(db: Database<string>, records: number): Promise<void> {
  for (let from = 0; from < records; from += PLANTED_AT_ONCE)
    for (const sql of plantedSql(from, Math.min(PLANTED_AT_ONCE, records - from))) await db.command('plant', sql)
}

async function sizes(db: Database<string>): Promise<string> {
  const sql = `
    SELECT table, sum(rows) AS rows, formatReadableSize(sum(bytes_on_disk)) AS size
    FROM system.parts WHERE active AND database = currentDatabase() AND startsWith(table, 'winners')
    GROUP BY table ORDER BY table`
  const row = z.object({ table: z.string(), rows: z.string(), size: z.string() })
  const rows = await db.query({ name: 'sizes', sql, row })
  return rows.map(({ table, rows: count, size }) => `${table}: ${count} rows, ${size}`).join('; ')
}

/** Of the last sessions: as where the files have something that is not shipped yet. */
async function latestIdentities(db: Database<string>): Promise<Uint8Array> {
  const sql = `SELECT replaceAll(toString(identity), '-', '') AS id FROM winners ORDER BY time DESC LIMIT ${LEFT_OUT}`
  const rows = await db.query({ name: 'latest', sql, row: z.object({ id: z.string() }) })
  return Uint8Array.from(Buffer.from(rows.map(({ id }) => id).join(''), 'hex'))
}

/** Milliseconds from the batch that was written and read back to what readers see. */
async function live(store: RecordStore): Promise<string> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const batch = 1_000_000_000 + round
    const records = Array.from({ length: LIVE_RECORDS }, (_, i) => recordOf(round * LIVE_RECORDS + i))
    const one = { batch, log: 'l/live#0', run: 'live' }
    await store.write([{ ...one, records }])
    times.push(await timeOf(() => store.publish([{ ...one, records: LIVE_RECORDS, digest: '' }], 10 + round)))
  }
  return median(times).toFixed(0)
}
