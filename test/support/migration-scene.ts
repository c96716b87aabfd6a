import { join } from 'node:path'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { type Database, openDatabase } from '../../src/clickhouse/database.ts'
import {
  type ClickHouseServer,
  clickhouseSettings,
  PASSWORD,
  startClickHouseServer,
  USER,
} from './clickhouse-server.ts'
import { startServer, type TestServer } from './server.ts'
import { line, makeFolder, writeTranscripts } from './transcripts.ts'
import { until } from './until.ts'

export interface Scene {
  server: TestServer
  database: string
  /** Straight to the tables, past the bridge. */
  db: Database<string>
  path: (file: string) => string
  /** Starts a run and waits until it is COMPLETED. */
  migrate(): Promise<string>
  completed(): Promise<unknown>
  operate(mutation: string): Promise<Record<string, unknown>>
  migration(fields: string): Promise<Record<string, unknown>>
  /** Waits until a source answers so many tokens. */
  answered(source: string, total: number): Promise<{ archivedTokens: string }>
  harm(sql: string): Promise<void>
  /** Of the server; `undefined` where the engine is embedded. */
  clickhouseUrl: string | undefined
}

export interface SceneOptions {
  /** An empty one, unless it is a restart. */
  folder?: string
  /** Whether transcripts are written. */
  write?: boolean
  /** That of an earlier scene: a restart. */
  database?: string
  /** Of the server, beside its own. */
  settings?: Record<string, string>
  /** Gives the bridge another way to the database server. */
  wayTo?: (url: string) => Promise<string>
}

/** Either way to ClickHouse, for `describe.each`. */
export const BOTH_WAYS = ['a ClickHouse server', 'the embedded engine'] as const

/**
 * Scenes over one ClickHouse, each in a database of its own. Embedded, a process has the engine of one folder at a time:
 * such scenes of one test share theirs.
 */
export function useScenes(
  way: (typeof BOTH_WAYS)[number] = 'a ClickHouse server',
): (options?: SceneOptions) => Promise<Scene> {
  let clickhouse: ClickHouseServer | undefined
  let databases = 0
  beforeAll(async () => {
    if (way === 'a ClickHouse server') clickhouse = await startClickHouseServer()
  })
  afterAll(() => clickhouse?.stop())
  return ({
    folder = makeFolder(),
    write = true,
    database = `migration${databases++}`,
    settings = {},
    wayTo = async (url: string) => url,
  } = {}) => makeScene(clickhouse?.url, { database, folder, write, settings, wayTo })
}

/** A server over three transcripts, 40 records of 2 tokens each, and one line that all of them have. */
async function makeScene(
  url: string | undefined,
  { database, folder, write, settings, wayTo }: Required<SceneOptions>,
): Promise<Scene> {
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
  const server = await startServer(folder, {
    ...(url === undefined ? { CLICKHOUSE_EMBEDDED: 'on' } : clickhouseSettings(await wayTo(url))),
    CLICKHOUSE_DATABASE: database,
    RESCAN_INTERVAL_MS: '200',
    ...settings,
  })
  const ofEngine = join(folder, 'data', 'clickhouse')
  const db = await openDatabase({ url, user: USER, password: PASSWORD, database, folder: ofEngine })
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
    database,
    db,
    path: (file) => join(folder, 'projects', file),
    operate,
    migration,
    completed,
    async migrate() {
      // a start does not wait long for its database
      const id = await until('a run to be begun', async () => {
        const { data, errors } = await server.ask('mutation { startMigration { id } }', {}, ['operator'])
        if (errors?.[0]?.extensions.code === 'SOURCE_UNAVAILABLE') return undefined
        if (errors !== undefined) throw new Error(errors[0]?.message)
        return data.startMigration.id as string
      })
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
    clickhouseUrl: url,
  }
}

/** Rows of a table, or of what stands behind it. */
export const count = async (db: Database<string>, what: string): Promise<number> => {
  const [row] = await db.query({
    name: 'count',
    sql: `SELECT count() AS n FROM ${what}`,
    row: { parse: (r: unknown) => r } as never,
  })
  return Number((row as { n: string }).n)
}
