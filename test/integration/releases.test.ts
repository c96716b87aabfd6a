// What an earlier release wrote is read, or refused with a clear line: fixtures of each format stay here.
import { appendFileSync, chmodSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/clickhouse/database.ts'
import { applySchemaChanges, readSchemaChanges } from '../../src/clickhouse/schema-changes.ts'
import { openIndexFile } from '../../src/enhanced-analysis/index/index-file.ts'
import { openJournal } from '../../src/journal/journal.ts'
import { loadJournalKey } from '../../src/journal/key-file.ts'
import { openLedger } from '../../src/shipping/ledger.ts'
import {
  type ClickHouseServer,
  clickhouseSettings,
  PASSWORD,
  startClickHouseServer,
  USER,
} from '../support/clickhouse-server.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const FIXTURE = fileURLToPath(new URL('../fixtures/release-1', import.meta.url))
type Tables = Record<string, Record<string, unknown>[]>
const tables = JSON.parse(readFileSync(join(FIXTURE, 'tables.json'), 'utf8')) as Tables
const STORE = String(tables.database_id?.[0]?.id)

/** The data folder of that release, with its transcripts beside it. */
function dataOf(folder = makeFolder()): string {
  const data = join(folder, 'data')
  for (const part of ['index', 'journal', 'ledger', 'journal-key'])
    cpSync(join(FIXTURE, part), join(data, part), { recursive: true })
  cpSync(join(FIXTURE, 'projects'), join(folder, 'projects'), { recursive: true })
  chmodSync(join(data, 'journal-key'), 0o600)
  return data
}

describe('what release 1 wrote', () => {
  let clickhouse: ClickHouseServer
  beforeAll(async () => {
    clickhouse = await startClickHouseServer()
  })
  afterAll(() => clickhouse.stop())

  test('the ledger is read: positions, runs, tokens', () => {
    const ledger = openLedger(join(dataOf(), 'ledger'), STORE, 0)
    expect(ledger.states().map(({ publishedTo }) => publishedTo > 0)).toEqual([true, true, true])
    expect(ledger.migrations()).toMatchObject([{ state: 'COMPLETED', difference: '0', catalogue: { length: 2 } }])
    expect(ledger.archived()).toEqual([])
    expect(ledger.unsettled()).toBeUndefined()
    ledger.close()
  })

  test('the journal is read', async () => {
    const data = dataOf()
    const records: unknown[] = []
    const journal = openJournal({
      folder: join(data, 'journal'),
      key: loadJournalKey(data, join(data, 'journal')),
      instance: '0123456789ab',
      followIntervalMs: 60_000,
      headsPath: join(data, 'journal-heads'),
      listener: {
        entry: (entry) => entry.kind === 'ingest' && records.push(...entry.records),
        unreadable: (place) => expect.unreachable(JSON.stringify(place)),
      },
    })
    await journal.whenRead()
    expect(records).toMatchObject([{ project: 'q', user: 'ann', host: 'laptop', session: 's2' }])
    await journal.close()
  })

  test('the index is of another format, and everything is counted anew; so it is wherever the counting rules are others', () => {
    const data = dataOf()
    const path = join(data, 'index', readdirSync(join(data, 'index'))[0] as string)
    const open = (add = false): [string, number] => {
      let frames = 0
      const { index, state } = openIndexFile(
        path,
        () => frames++,
        () => {
          frames = 0
        },
      )
      if (add) index.append('forget', Buffer.from('{"key":"1:2"}'))
      index.close()
      return [state, frames]
    }
    expect(open(true)).toEqual(['rebuilt', 0])
    const bytes = readFileSync(path)
    expect(open()).toEqual(['loaded', 1])
    for (const at of [4, 8]) {
      const changed = Buffer.from(bytes)
      changed.writeUInt32LE(changed.readUInt32LE(at) + 1, at)
      writeFileSync(path, changed)
      expect(open()).toEqual(['rebuilt', 0])
    }
  })

  test('its database is brought up to date, and everything counts as before; a run can be verified, rolled back and begun again', async () => {
    const database = 'release1'
    const options = { url: clickhouse.url, user: USER, password: PASSWORD, database, folder: '' }
    const db = await openDatabase(options)
    await applySchemaChanges(db, readSchemaChanges().slice(0, 1))
    for (const table of ['database_id', 'batches', 'copies', 'winners']) {
      const [first = {}] = tables[table] ?? []
      const columns = Object.keys(first)
      await db.insert(
        'plant',
        table,
        columns,
        (tables[table] ?? []).map((row) => columns.map((column) => row[column])),
      )
    }
    await db.close()
    const folder = makeFolder()
    dataOf(folder)
    const server = await startServer(folder, clickhouseSettings(clickhouse.url, database))
    const ask = async (query: string) => {
      const { data, errors } = await server.ask(query, {}, ['viewer', 'operator'])
      if (errors !== undefined) throw new Error(errors[0]?.message)
      return data
    }
    const answered = (source: string) =>
      until(`answers from ${source}`, async () => {
        const { tokens, provenance, breakdown } = (
          await ask(
            '{ tokenMetrics { tokens { total } provenance { source } breakdown(by: [BRANCH]) { values { value } } } }',
          )
        ).tokenMetrics
        // neither its journal nor its transcripts have any
        expect(breakdown).toEqual([{ values: [{ value: '' }] }])
        return tokens.total === '129' && provenance.source === source ? true : undefined
      })
    await answered('CLICKHOUSE')
    const { id } = (await ask('{ migration { id } }')).migration
    expect((await ask(`mutation { verifyMigration(id: "${id}") { state difference } }`)).verifyMigration).toEqual({
      state: 'COMPLETED',
      difference: '0',
    })
    await ask(`mutation { rollbackMigration(id: "${id}") { id } }`)
    await answered('LEGACY')
    await until('the rollback', async () =>
      (await ask('{ migration { state } }')).migration.state === 'ROLLED_BACK' ? true : undefined,
    )
    await ask('mutation { startMigration { id } }')
    await answered('CLICKHOUSE')
  })
})

describe('what a later release wrote', () => {
  test.each([
    [
      'a ledger of a later format',
      { kind: 'opened', ledger: 'l', ledgerNumber: 1, store: STORE, format: 5 },
      'format 5',
    ],
    ['an entry that is not known', { kind: 'merged', states: [] }, 'merged'],
  ])('%s is refused, never misread', (_what, entry, told) => {
    const path = join(dataOf(), 'ledger')
    const json = JSON.stringify(entry)
    appendFileSync(path, `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`)
    expect(() => openLedger(path, STORE, 0)).toThrow(expect.objectContaining({ code: 'LATER_LEDGER' }))
    expect(() => openLedger(path, STORE, 0)).toThrow(told)
  })
})
