import {
  type ClickHouseClient,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
  type ResultSet,
} from '@clickhouse/client'
import { z } from 'zod'
import { BridgeError } from '../domain/errors.ts'
import { makeFolder } from '../make-folder.ts'
import { createGuard } from '../policies/guard.ts'
import { type ClickHouseUse, POLICIES, type Policy } from '../policies/policies.ts'
import { inSpan } from '../ports/spans.ts'
import { createPace, eachGivingWay, mapGivingWay } from '../turns/pace.ts'
import { type Common, createAttempts, GRACE_MS, killedBy } from './attempts.ts'
import { CompactRow } from './compact-row.ts'
import { StatementError } from './statement-error.ts'
import type { StatementName } from './statement-names.ts'

export interface DatabaseOptions {
  /** `http://host:8123`; absent: the embedded engine. */
  url: string | undefined
  user: string
  password: string
  database: string
  /** Folder of the embedded engine's data; one process at a time. */
  folder: string
  /** Absent: those of the table. */
  policies?: Policies
}

type Policies = Record<ClickHouseUse, Policy>

/** A statement with a name, which its query id and its comment carry. */
export interface Statement<Row, Name extends string = StatementName> {
  name: Name
  sql: string
  /** What a row must look like; a column of 64 bits or more comes as text. Many rows come as lists. */
  row: z.ZodType<Row> | CompactRow<Row>
  /** At least 1. With more rows it fails with code 396, before any of them is read. */
  maxRows?: number
}

export type Params = Record<string, unknown>

/**
 * ClickHouse, embedded or a server: the same client, the same SQL. Statements go by the policy of what they are for:
 * `work`, where nothing else is said. Throws `StatementError`; SOURCE_UNAVAILABLE where it is away, or left alone; and
 * OVERLOADED.
 */
export interface Database<Name extends string = StatementName> {
  query<Row>(statement: Statement<Row, Name>, params?: Params): Promise<Row[]>
  insert(name: Name, table: string, columns: readonly string[], rows: Iterable<unknown[]>): Promise<void>
  /** `repeatable`: it may be carried out twice. */
  command(name: Name, sql: string, params?: Params, options?: { repeatable?: boolean }): Promise<void>
  /** The same database, for statements of another use. */
  for(use: ClickHouseUse): Database<Name>
  /** Asks how it is, beside all that it has to do. Throws where it does not answer. */
  ask(): Promise<void>
  /** Questions fail at once: the database did not answer several times in a row. */
  isLeftAlone(): boolean
  /** Statements of questions that are being carried out. */
  questionsRunning(): number
  /** What went wrong with statements since it was opened. */
  troubles(): DatabaseTroubles
  close(): Promise<void>
}

export interface DatabaseTroubles {
  /** No connection was free, and as many waited for one as may. */
  refused: number
  /** The password was wrong, or the user may not do it. */
  denied: number
}

const HOW_IT_IS = { name: 'health' as const, sql: 'SELECT 1 AS up', row: z.object({ up: z.literal(1) }) }
const NAME = /^[a-zA-Z_]\w*$/

/** Settings that exact answers depend on, so they are set whatever a server's defaults are. */
const SETTINGS: ClickHouseSettings = {
  async_insert: 0,
  wait_end_of_query: 1,
  // what is smaller needs no file on the server's disk
  http_response_buffer_size: String(1 << 20),
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

/** Rows as text, which the client would else make of all of them in one go. */
class EncodedRows {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const commonOptions = (policies: Policies) => ({
  clickhouse_settings: SETTINGS,
  application: 'token-bridge',
  json: {
    parse: JSON.parse,
    stringify: (value: unknown) => (value instanceof EncodedRows ? value.text : JSON.stringify(value)),
  },
  // each statement has a deadline of its own
  request_timeout: Math.max(...Object.values(policies).map(({ deadlineMs }) => deadlineMs)) + 2 * GRACE_MS,
  // errors are thrown; the client's own log lines would show statements
  log: { level: ClickHouseLogLevel.OFF },
})

/**
 * Opens the database, and creates it where it does not exist. Tests may name statements as they like; whoever takes a
 * `Database` of no other names takes those of the list.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database<string>> {
  const { database } = options
  if (!NAME.test(database)) throw new Error(`${database} is no name for a database`)
  return options.url === undefined ? openEmbeddedDatabase(options) : openServerDatabase(options, options.url)
}

async function openEmbeddedDatabase({
  folder,
  database,
  policies = POLICIES.clickhouse,
}: DatabaseOptions): Promise<Database<string>> {
  makeFolder(folder)
  // the engine's library takes 150 MB and a tenth of a second as soon as it is loaded
  const { openEmbedded } = await import('./embedded-connection.ts')
  const client = createClient({ ...commonOptions(policies), connection: openEmbedded(folder) })
  const db = createDatabase({ client, isServer: false }, policies)
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

async function openServerDatabase(options: DatabaseOptions, url: string): Promise<Database<string>> {
  const { user, password, database, policies = POLICIES.clickhouse } = options
  const server = {
    ...commonOptions(policies),
    url,
    username: user,
    password,
    compression: { request: true, response: true },
    use_multipart_params_auto: true,
  }
  const { aside, ...others } = policies
  // a client that names a database cannot create it; and what kills has a connection when statements have all others
  const apart = createClient({ ...server, max_open_connections: aside.atOnce })
  try {
    const query = `CREATE DATABASE IF NOT EXISTS ${database}`
    await createDatabase({ client: apart, isServer: true }, policies)
      .command('create-database', query, {}, { repeatable: true })
      .catch((error: unknown) => {
        // who may not create one uses one that there is
        if (!isDenied(error)) throw error
      })
  } catch (error) {
    await apart.close()
    throw error
  }
  const connections = Object.values(others).reduce((sum, { atOnce }) => sum + atOnce, 0)
  const client = createClient({ ...server, database, max_open_connections: connections })
  const db = createDatabase({ client, apart, isServer: true }, policies)
  const closeBoth = () => db.close().finally(() => apart.close())
  return { ...db, close: closeBoth }
}

const ACCESS_DENIED = 497
const AUTHENTICATION_FAILED = 516
const isDenied = (error: unknown): boolean => error instanceof StatementError && error.code === ACCESS_DENIED
const isStranger = (error: unknown): boolean => error instanceof StatementError && error.code === AUTHENTICATION_FAILED

const isAway = (error: unknown): error is StatementError => error instanceof StatementError && error.isAway

/** By these it is found out what a user may, again and again: that they are refused is no alarm. */
const TRIED: ReadonlySet<string> = new Set<StatementName>(['take-fence', 'server-load', 'parts'])

interface Clients {
  client: ClickHouseClient
  /** Beside the other, for what must not wait for statements; the embedded engine has none. */
  apart?: ClickHouseClient
  isServer: boolean
}

const SUMMARY = z.object({ result_rows: z.string().regex(/^\d+$/).transform(Number) })

/**
 * How many rows a server says that it answers with. Throws where it is none: somebody else may answer in its place, such
 * as a network that asks people to sign in.
 */
function rowsSaidBy({ response_headers: headers }: { response_headers?: Record<string, unknown> }): number {
  try {
    return SUMMARY.parse(JSON.parse(String(headers?.['x-clickhouse-summary']))).result_rows
  } catch {
    throw new Error('what answered is no ClickHouse server: it has no summary of what was done')
  }
}

/**
 * A server whose disk is full may answer 200 with a part of the rows, or none: what waits for the end of a question is
 * kept in a file there (26.7).
 */
function requireAll(read: number, said: number): void {
  if (read !== said) throw new Error(`of ${said} rows of the answer ${read} came`)
}

/** Statements after which a server writes anew what a table is. */
const CHANGES_TABLES = /^\s*(?:CREATE|ALTER) TABLE\b/
const ROOM = {
  name: 'room' as const,
  sql: 'SELECT filesystemAvailable() AS bytes',
  row: z.object({ bytes: z.string().transform(Number) }),
}
/** What a table is takes some kilobytes; whoever else writes there must not take the last of them in between. */
const LEAST_ROOM = 8 << 20

/**
 * A server whose disk is full says that it has made or changed a table, keeps an empty file of what it is, and does not
 * start any more (26.7).
 */
function requireRoom([room]: { bytes: number }[]): void {
  if (room !== undefined && room.bytes >= LEAST_ROOM) return
  throw new BridgeError(
    'SOURCE_UNAVAILABLE',
    "the disk of ClickHouse's tables is full: nothing is made or changed there",
  )
}

function createDatabase({ client, apart, isServer }: Clients, policies: Policies): Database<string> {
  const { attempt, end } = createAttempts(apart && killedBy(apart))
  const guards = mapPolicies(policies, (policy, use) =>
    createGuard('ClickHouse', { ...policy, deadlineMs: policy.deadlineMs + GRACE_MS }, isAway, `clickhouse ${use}`),
  )
  const saidBy = (result: Parameters<typeof rowsSaidBy>[0]) => (isServer ? rowsSaidBy(result) : undefined)
  let denied = 0
  const through = (use: ClickHouseUse): Database<string> => {
    const connected = use === 'aside' ? (apart ?? client) : client
    const run = <T>(name: string, repeatable: boolean, statement: (common: Common) => Promise<T>): Promise<T> =>
      inSpan(`statement ${name}`, {}, () =>
        guards[use].run((one) => attempt(name, one, statement), { repeatable }),
      ).catch((error: unknown) => {
        if (!TRIED.has(name) && (isDenied(error) || isStranger(error))) denied++
        throw isAway(error) ? new BridgeError('SOURCE_UNAVAILABLE', error.message, { cause: error }) : error
      })
    return {
      query: ({ name, sql, row, maxRows }, params = {}) =>
        run(name, true, async (common) => {
          const settings: ClickHouseSettings = {
            ...common.clickhouse_settings,
            ...(apart === undefined ? {} : READS_ON_SERVER),
            ...(maxRows === undefined ? {} : { max_result_rows: String(maxRows) }),
          }
          const asked = { ...common, clickhouse_settings: settings, query: sql, query_params: params }
          const format = row instanceof CompactRow ? 'JSONCompactEachRowWithNames' : 'JSONEachRow'
          const result = await connected.query({ ...asked, format })
          const rows = await (row instanceof CompactRow ? readCompactRows(result, row) : readRows(result, row))
          requireAll(rows.length, saidBy(result) ?? rows.length)
          return rows
        }),
      async insert(name, table, columns, rows) {
        const texts = await mapGivingWay(rows, (row) => JSON.stringify(row))
        const values = [new EncodedRows(texts.join('\n'))]
        await run(name, false, async (common) => {
          const into = { table, columns: columns as [string, ...string[]] }
          saidBy(await connected.insert({ ...common, ...into, values, format: 'JSONCompactEachRow' }))
        })
      },
      async command(name, sql, params = {}, { repeatable = false } = {}) {
        if (CHANGES_TABLES.test(sql)) requireRoom(await through(use).query(ROOM))
        await run(name, repeatable, async (common) => {
          saidBy(await connected.command({ ...common, query: sql, query_params: params }))
        })
      },
      for: through,
      async ask() {
        await through('aside').query(HOW_IT_IS)
      },
      isLeftAlone: guards.question.isOpen,
      questionsRunning: guards.question.running,
      troubles: () => ({ denied, refused: Object.values(guards).reduce((sum, guard) => sum + guard.refused(), 0) }),
      close: () => end().then(() => client.close()),
    }
  }
  return through('work')
}

function mapPolicies<T>(policies: Policies, map: (policy: Policy, use: ClickHouseUse) => T): Record<ClickHouseUse, T> {
  const entries = Object.entries(policies).map(([use, policy]) => [use, map(policy, use as ClickHouseUse)])
  return Object.fromEntries(entries) as Record<ClickHouseUse, T>
}

/** Others have their turns while many rows are read. */
async function readRows<Row>(result: ResultSet<'JSONEachRow'>, row: z.ZodType<Row>): Promise<Row[]> {
  const rows: Row[] = []
  await eachJson(result.stream<unknown>(), (found) => rows.push(row.parse(found)))
  return rows
}

async function readCompactRows<Row>(
  result: ResultSet<'JSONCompactEachRowWithNames'>,
  row: CompactRow<Row>,
): Promise<Row[]> {
  const rows: Row[] = []
  let isFirst = true
  await eachJson(result.stream<unknown[]>(), (cells) => {
    if (isFirst) row.check(cells as unknown[])
    else rows.push(row.parse(cells as unknown[]))
    isFirst = false
  })
  return rows
}

async function eachJson(some: AsyncIterable<{ json(): unknown }[]>, use: (json: unknown) => void): Promise<void> {
  // one pace for all pieces: the next piece is often there already, so that waiting for it gives nobody a turn
  const pace = createPace()
  for await (const piece of some) await eachGivingWay(piece, (found) => use(found.json()), pace)
}
