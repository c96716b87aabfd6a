// Answers from ClickHouse over many records, uncached: the statement, its rows, and the merge with the files.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '../src/clickhouse/database.ts'
import { createPublishedRecords } from '../src/clickhouse/published-records.ts'
import { applySchemaChanges } from '../src/clickhouse/schema-changes.ts'
import { EVERYTHING } from '../src/domain/scope.ts'
import type { TokenQuery } from '../src/domain/token-query.ts'
import { POLICIES } from '../src/policies/policies.ts'
import { median } from './measure.ts'

const ROUNDS = 7
/** What a dashboard's whole view asks for. */
export const VIEW: TokenQuery = {
  filter: {},
  groupings: [[{ granularity: 'DAY', timeZone: 'UTC' }], ['project'], ['user']],
  sessions: true,
}
const QUERIES: Record<string, TokenQuery> = {
  'tokens, cost, by model': { filter: {}, groupings: [] },
  'one project': { filter: { projects: ['project-3'] }, groupings: [] },
  'a day, by project': { filter: { from: 1_775_000_000_000, to: 1_775_086_400_000 }, groupings: [['project']] },
  'time series, projects, users': {
    filter: {},
    groupings: [[{ granularity: 'DAY', timeZone: 'UTC' }], ['project'], ['user']],
  },
  'sessions (a view)': VIEW,
}

export async function benchDatabase(sizes: readonly number[]): Promise<void> {
  for (const records of sizes) {
    const folder = mkdtempSync(join(tmpdir(), 'token-bridge-bench-'))
    const db = await openDatabase({
      url: undefined,
      user: '',
      password: '',
      database: 'bench',
      folder,
      // millions of records are planted by one statement
      policies: { ...POLICIES.clickhouse, work: { ...POLICIES.clickhouse.work, deadlineMs: 300_000 } },
    })
    try {
      await applySchemaChanges(db)
      await plant(db, records)
      const published = createPublishedRecords(db)
      process.stdout.write(`\nClickHouse source, uncached, ${records} records, medians of ${ROUNDS}\n`)
      const nothing = new Uint8Array(0)
      for (const [name, query] of Object.entries(QUERIES))
        await measure(name, () => published.answer({ queries: [query], access: EVERYTHING }, nothing))
      const excluded = new Uint8Array(Math.floor(records / 20) * 16)
      for (let i = 0; i < excluded.length; i += 4) new DataView(excluded.buffer).setUint32(i, i * 2_654_435_761)
      await measure('tokens, cost, by model without 5 % of the records', () =>
        published.answer({ queries: [{ filter: {}, groupings: [] }], access: EVERYTHING }, excluded),
      )
    } finally {
      await db.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

async function measure(name: string, run: () => Promise<unknown>): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    await run()
    times.push(performance.now() - started)
  }
  process.stdout.write(`  ${name.padEnd(52)} ${median(times).toFixed(0).padStart(6)} ms\n`)
}

/** Winners as publishing leaves them: several parts, some identities more than once. */
export async function plant(db: Database, records: number): Promise<void> {
  const parts = 10
  for (let part = 0; part < parts; part++)
    await db.command(
      'plant',
      `INSERT INTO winners (identity, seq, log, position, time, session, project, model, user, host, input, output,
         cache_read, cache_creation_5m, cache_creation_1h, path, offset)
       SELECT reinterpretAsUUID(sipHash128(number)), ${part + 1}, concat('log-', toString(number % 100)), number,
         fromUnixTimestamp64Milli(toInt64(1760000000000 + (number * 7919) % 20000000000)),
         concat('session-', toString(number % 5000)), concat('project-', toString(number % 20)),
         concat('model-', toString(number % 5)), concat('user-', toString(number % 30)), 'host',
         number % 10, number % 1000, 52000 + number % 200000, number % 3000, 0, concat('/p/', toString(number % 100)), number
       FROM numbers(${Math.floor((records / parts) * part)}, ${Math.floor((records / parts) * 1.02)})`,
    )
}
