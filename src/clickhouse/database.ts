import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import {
  type ClickHouseClient,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
  type ResultSet,
} from '@clickhouse/client'
import { ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel'
import type { z } from 'zod'
import { tellMoment } from '../ports/moments.ts'
import { createPace, eachGivingWay } from '../turns/pace.ts'
import { StatementError } from './statement-error.ts'

export interface DatabaseOptions {
  /** `http://host:8123`; absent: the embedded engine. */
  url: string | undefined
  user: string
  password: string
  database: string
  /** Folder of the embedded engine's data; one process at a time. */
  folder: string
  /** A statement takes no longer. The server ends it a second before the client gives up. */
  deadlineSeconds?: number
}

/** A statement with a name, which its query id and its comment carry. */
export interface Statement<Row> {
  name: string
  sql: string
  /** What a row must look like; a column of 64 bits or more comes as text. */
  row: z.ZodType<Row>
  /** Someone is waiting for it: it ends earlier than others. */
  deadlineSeconds?: number
  /** At least 1. With more rows it fails with code 396, before any of them is read. */
  maxRows?: number
}

export type Params = Record<string, unknown>

/** ClickHouse, embedded or a server: the same client, the same SQL. Throws `StatementError`. */
export interface Database {
  query<Row>(statement: Statement<Row>, params?: Params): Promise<Row[]>
  insert(name: string, table: string, columns: readonly string[], rows: readonly unknown[][]): Promise<void>
  command(name: string, sql: string, params?: Params): Promise<void>
  close(): Promise<void>
}

const DEADLINE_SECONDS = 60
/** After so many failures in a row (of a kind that may pass) the server is left alone for a while. */
const FAILURES_TO_BREAK = 5
const BREAK_MS = 30_000
/** Whoever gave up waits so long at most for the end of what it gave up. */
const KILL_MS = 2000
/** Connections to one server (promise 2.2), with the one that kills. */
const MAX_CONNECTIONS = 10
const NAME = /^[a-zA-Z_]\w*$/

/** Settings that exact answers depend on, so they are set whatever a server's defaults are. */
const SETTINGS: ClickHouseSettings = {
  async_insert: 0,
  wait_end_of_query: 1,
  input_format_parallel_parsing: 0,
  output_format_json_quote_64bit_integers: 1,
  output_format_json_named_tuples_as_objects: 0,
  date_time_input_format: 'best_effort',
  do_not_merge_across_partitions_select_final: 0,
  // an insert that selects is one block: readers see all of it or nothing
  max_insert_threads: '1',
  insert_deduplicate: 0,
  // the embedded engine keeps a setting for the statements after it: each one says it anew
  max_result_rows: '0',
  result_overflow_mode: 'throw',
}

/** Reads on a server: they write nothing, and end by themselves when whoever asked is gone. */
const READS_ON_SERVER: ClickHouseSettings = { readonly: '2', cancel_http_readonly_queries_on_client_close: 1 }

const commonOptions = (deadlineSeconds: number) => ({
  clickhouse_settings: { ...SETTINGS, max_execution_time: deadlineSeconds },
  application: 'token-bridge',
  request_timeout: (deadlineSeconds + 1) * 1000,
  // errors are thrown; the client's own log lines would show statements
  log: { level: ClickHouseLogLevel.OFF },
})

/** Opens the database, and creates it where it does not exist. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { database } = options
  if (!NAME.test(database)) throw new Error(`${database} is no name for a database`)
  return options.url === undefined ? openEmbeddedDatabase(options) : openServerDatabase(options, options.url)
}

async function openEmbeddedDatabase({
  folder,
  database,
  deadlineSeconds = DEADLINE_SECONDS,
}: DatabaseOptions): Promise<Database> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // the engine's library takes 150 MB and a tenth of a second as soon as it is loaded
  const { openEmbedded } = await import('./embedded-connection.ts')
  const db = createDatabase(
    createClient({ ...commonOptions(deadlineSeconds), connection: openEmbedded(folder) }),
    deadlineSeconds,
  )
  try {
    await db.command('create-database', `CREATE DATABASE IF NOT EXISTS ${database}`)
    // the engine has one session: it is told once where the tables are
    await db.command('use-database', `USE ${database}`)
  } catch (error) {
    await db.close()
    throw error
  }
  return db
}

async function openServerDatabase(options: DatabaseOptions, url: string): Promise<Database> {
  const { user, password, database, deadlineSeconds = DEADLINE_SECONDS } = options
  const server = {
    ...commonOptions(deadlineSeconds),
    url,
    username: user,
    password,
    compression: { request: true, response: true },
    use_multipart_params_auto: true,
  }
  // a client that names a database cannot create it; and what kills has a connection when statements have all others
  const apart = createClient({ ...server, max_open_connections: 1 })
  try {
    const query = `CREATE DATABASE IF NOT EXISTS ${database}`
    await createDatabase(apart, deadlineSeconds).command('create-database', query)
  } catch (error) {
    await apart.close()
    throw error
  }
  const client = createClient({ ...server, database, max_open_connections: MAX_CONNECTIONS - 1 })
  const db = createDatabase(client, deadlineSeconds, killedBy(apart))
  return { ...db, close: () => db.close().finally(() => apart.close()) }
}

/** Ends statements on a server, and waits a little until they are gone. Never throws: `max_execution_time` is left. */
type Kill = (queryIds: readonly string[]) => Promise<void>

const killedBy =
  (client: ClickHouseClient): Kill =>
  async (ids) => {
    try {
      await client.command({
        query: 'KILL QUERY WHERE query_id IN {ids:Array(String)} SYNC',
        query_params: { ids },
        query_id: `token-bridge-kill-${randomUUID()}`,
        abort_signal: AbortSignal.timeout(KILL_MS),
      })
    } catch {
      // the server is away, which is known from what was given up
    }
  }

/** What every statement is sent with. */
interface Common {
  query_id: string
  clickhouse_settings: ClickHouseSettings
  abort_signal?: AbortSignal
}

interface Attempts {
  /** Carries out a statement, once. Throws `StatementError`. */
  attempt<T>(name: string, deadlineSeconds: number | undefined, statement: (common: Common) => Promise<T>): Promise<T>
  /** Gives up what is being carried out. */
  end(): Promise<void>
}

/** Where a statement has no answer (a deadline, a cut connection), nobody waits for it any more: it is killed. */
function createAttempts(longestSeconds: number, kill: Kill | undefined): Attempts {
  const running = new Set<string>()
  let ending = false
  return {
    async attempt(name, deadlineSeconds, statement) {
      const deadline = deadlineSeconds === undefined ? undefined : Math.min(deadlineSeconds, longestSeconds)
      const queryId = `token-bridge-${name}-${randomUUID()}`
      running.add(queryId)
      try {
        tellMoment(`statement ${name}`, 'before')
        const result = await statement({
          query_id: queryId,
          clickhouse_settings: {
            log_comment: `token-bridge ${name}`,
            ...(deadline === undefined ? {} : { max_execution_time: deadline }),
          },
          ...(deadline === undefined ? {} : { abort_signal: AbortSignal.timeout((deadline + 1) * 1000) }),
        })
        tellMoment(`statement ${name}`, 'after')
        return result
      } catch (error) {
        const failed = new StatementError(name, error)
        if (failed.code === undefined && !ending) await kill?.([queryId])
        throw failed
      } finally {
        running.delete(queryId)
      }
    },
    async end() {
      ending = true
      if (running.size > 0) await kill?.([...running])
    },
  }
}

function createDatabase(client: ClickHouseClient, longestSeconds: number, kill?: Kill): Database {
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof StatementError && error.retryable),
    { halfOpenAfter: BREAK_MS, breaker: new ConsecutiveBreaker(FAILURES_TO_BREAK) },
  )
  const { attempt, end } = createAttempts(longestSeconds, kill)
  /** While the breaker is open, a statement fails at once instead of waiting for a server that is away. */
  const run = async <T>(
    name: string,
    statement: (common: Common) => Promise<T>,
    deadlineSeconds?: number,
  ): Promise<T> => {
    try {
      return await breaker.execute(() => attempt(name, deadlineSeconds, statement))
    } catch (error) {
      throw isBrokenCircuitError(error) ? new StatementError(name, error) : error
    }
  }
  return {
    query: ({ name, sql, row, deadlineSeconds, maxRows }, params = {}) =>
      run(
        name,
        async (common) => {
          const settings: ClickHouseSettings = {
            ...common.clickhouse_settings,
            ...(kill === undefined ? {} : READS_ON_SERVER),
            ...(maxRows === undefined ? {} : { max_result_rows: String(maxRows) }),
          }
          return readRows(
            await client.query({
              ...common,
              clickhouse_settings: settings,
              query: sql,
              query_params: params,
              format: 'JSONEachRow',
            }),
            row,
          )
        },
        deadlineSeconds,
      ),
    insert: (name, table, columns, rows) =>
      run(name, async (common) => {
        await client.insert({
          ...common,
          table,
          columns: columns as [string, ...string[]],
          values: rows,
          format: 'JSONCompactEachRow',
        })
      }),
    command: (name, sql, params = {}) =>
      run(name, async (common) => {
        await client.command({ ...common, query: sql, query_params: params })
      }),
    close: () => end().then(() => client.close()),
  }
}

/** Others have their turns while many rows are read. */
async function readRows<Row>(result: ResultSet<'JSONEachRow'>, row: z.ZodType<Row>): Promise<Row[]> {
  const rows: Row[] = []
  // one pace for all pieces: the next piece is often there already, so that waiting for it gives nobody a turn
  const pace = createPace()
  for await (const some of result.stream<unknown>())
    await eachGivingWay(some, (found) => rows.push(row.parse(found.json())), pace)
  return rows
}
