// ClickHouse in this process beside ClickHouse in a child process: start, statements, side by side, memory.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { startClickHouse } from '../scripts/clickhouse-server.ts'
import { type Database, openDatabase } from '../src/clickhouse/database.ts'
import { createPublishedRecords } from '../src/clickhouse/published-records.ts'
import { createRecordStore } from '../src/clickhouse/record-store.ts'
import { applySchemaChanges } from '../src/clickhouse/schema-changes.ts'
import { EVERYTHING } from '../src/domain/scope.ts'
import type { RecordBatch } from '../src/ports/record-store.ts'
import { createGenaiPriceList } from '../src/pricing/genai-price-list.ts'
import { plant, VIEW } from './database.ts'
import { recordOf } from './database-records.ts'
import { median, residentMb } from './measure.ts'

/** `two connections`: two sessions of the engine in this process, over one folder. */
const WAYS = ['in process', 'in process, two connections', 'child process'] as const
type Way = (typeof WAYS)[number]

const RECORDS = 300_000
const ROWS = 8000
const ROUNDS = 7
const USER = { name: 'bench', password: 'bench' }

/** Each way in a process of its own, in turns; prints the best of each: whatever else runs can only add. */
export async function benchEngines(rounds = 5): Promise<void> {
  const found = new Map<Way, Record<string, number>[]>(WAYS.map((way) => [way, []]))
  for (let round = 0; round < rounds; round++)
    for (const way of WAYS) {
      const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), way])
      found.get(way)?.push(JSON.parse(stdout))
    }
  process.stdout.write(`\nClickHouse, ${WAYS.join(' | ')}, the best of ${rounds} processes\n`)
  for (const name of Object.keys(found.get('in process')?.[0] ?? {})) {
    const values = WAYS.map((way) => Math.min(...(found.get(way) ?? []).map((figures) => figures[name] ?? Number.NaN)))
    process.stdout.write(`  ${name.padEnd(50)} ${values.map((value) => value.toFixed(1).padStart(9)).join('')}\n`)
  }
}

interface Figures {
  [what: string]: number
}

/** What is measured of one way, in this process. */
async function measureWay(way: Way): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
  const figures: Figures = {}
  const started = performance.now()
  const server = way === 'child process' ? await startClickHouse({ folder, port: 0, users: [USER] }) : undefined
  const { name: user, password } = USER
  const open = () => openDatabase({ url: server?.url, user, password, database: 'bench', folder })
  const db = await open()
  figures['started, ms'] = performance.now() - started
  const other = way === 'in process' ? db : await open()
  await applySchemaChanges(db)
  await plant(db, RECORDS)
  await createRecordStore(db).rebuildSums(1)
  await measureStatements(figures, db, other)
  await measureWriting(figures, db)
  const pids = { 'this process': process.pid, 'the child': server?.pid }
  for (const [whose, pid] of Object.entries(pids)) {
    figures[`memory of ${whose}, MB`] = pid === undefined ? 0 : residentMb(pid)
    figures[`memory of ${whose}, its own, MB`] = pid === undefined ? 0 : residentMb(pid, 'RssAnon')
  }
  await db.close()
  if (other !== db) await other.close()
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
  return figures
}

/** `other` is what stands beside `db`: the same connection, another one, or another place in the client's pool. */
async function measureStatements(figures: Figures, db: Database<string>, other: Database<string>): Promise<void> {
  const statement = { name: 'small', sql: 'SELECT 1 AS one', row: z.object({ one: z.number() }) }
  const small = (on: Database<string>) => on.query(statement)
  const view = (on: Database<string>) =>
    createPublishedRecords(on, { prices: createGenaiPriceList() }).answer(
      { queries: [VIEW], access: EVERYTHING },
      new Uint8Array(0),
    )
  figures['small statement, ms'] = await timed(() => small(db), 100)
  figures[`a whole view of ${RECORDS} records, ms`] = await timed(() => view(db))
  figures['two whole views at once, ms'] = await timed(() => Promise.all([view(db), view(other)]))
  const behind: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const viewed = view(db)
    behind.push(await timed(() => small(other), 1))
    await viewed
  }
  figures['small statement behind a view, ms'] = median(behind)
}

async function measureWriting(figures: Figures, db: Database<string>): Promise<void> {
  const store = createRecordStore(db)
  let batch = 0
  const batchOf = (): RecordBatch => {
    batch++
    const records = Array.from({ length: 1000 }, (_, i) => recordOf(batch * 1000 + i))
    return { batch, log: 'bench', run: 'live', records }
  }
  figures[`${ROWS} rows written, ms`] = await timed(() => store.write(Array.from({ length: ROWS / 1000 }, batchOf)))
}

/** Milliseconds: the median of several rounds. */
async function timed(run: () => Promise<unknown>, rounds = ROUNDS): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const started = performance.now()
    await run()
    times.push(performance.now() - started)
  }
  return median(times)
}

const way = WAYS.find((known) => known === process.argv[2])
if (way !== undefined) process.stdout.write(`${JSON.stringify(await measureWay(way))}\n`)
