import { Readable } from 'node:stream'
import type { ClickHouseSettings, createClient } from '@clickhouse/client'
import { createChdbConnection } from 'chdb/connection'
import { LIMITS } from '../domain/limits.ts'
import { sizeOf } from '../domain/size-of.ts'
import { createStatementQueue } from './statement-queue.ts'

type Connection = NonNullable<NonNullable<Parameters<typeof createClient>[0]>['connection']>

/** Bytes of memory that a waiting statement takes beside its text and values. */
const STATEMENT_BYTES = 4000
/** Bytes of a result that are read without giving way to others. */
const PIECE_BYTES = 64 << 10
/** Signals of a crash: by default the system ends the process at once. */
const CRASH_SIGNALS = ['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIGSYS', 'SIGTRAP'] as const

/**
 * ClickHouse in this process (chDB), behind the client's own hook. The engine carries out one statement at a
 * time, and what a failed one had written to its result comes out in front of the next one's: statements go
 * one after the other, and after a failure the engine is asked something whose result is thrown away.
 */
export function openEmbedded(folder: string): Connection {
  const engine = createChdbConnection({ path: folder }) as unknown as Connection
  giveSignalsBack()
  const queue = createStatementQueue(LIMITS.statementWaitingBytes.value)
  let dirty = false

  const inTurn = <T>(params: Sized, statement: () => Promise<T>): Promise<T> =>
    queue.run(sizeOfStatement(params), async () => {
      if (dirty) await drain(engine)
      dirty = true
      const result = await statement()
      dirty = false
      return result
    })

  return {
    ping: (params) => inTurn({}, () => engine.ping(params)),
    async query(params) {
      const result = await inTurn(params, () => engine.query(forEngine(params)))
      return { ...result, stream: Readable.from(piecesOf(result.stream as Readable), { objectMode: false }) as never }
    },
    insert: (params) => inTurn(params, () => engine.insert(forEngine(params))),
    command: (params) => inTurn(params, () => engine.command(forEngine(params))),
    exec: (params) => inTurn(params, () => engine.exec(forEngine(params))),
    async close() {
      await queue.whenDone()
      await engine.close()
    },
  }
}

/**
 * The engine handles the signals of a crash itself, to log a stack, and then never ends: with V8's heap exhausted the
 * process kept its port and heeded no SIGTERM. Node gives a signal back to the system with its last listener.
 */
function giveSignalsBack(): void {
  const none = (): void => undefined
  for (const signal of CRASH_SIGNALS) process.on(signal, none).off(signal, none)
}

interface Sized {
  query?: string
  query_params?: Record<string, unknown>
  values?: unknown
}

function sizeOfStatement({ query = '', query_params = {}, values }: Sized): number {
  return STATEMENT_BYTES + sizeOf(query) + sizeOf(query_params) + (typeof values === 'string' ? sizeOf(values) : 0)
}

async function drain(engine: Connection): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const { stream } = await engine.query({ query: 'SELECT 1 FORMAT Null' })
    ;(stream as Readable).destroy()
  }
}

/** The engine gives a result in one piece: whoever reads it could not give way to others in between. */
async function* piecesOf(result: Readable): AsyncIterable<Buffer> {
  for await (const whole of result as AsyncIterable<Buffer>)
    for (let at = 0; at < whole.length; at += PIECE_BYTES) yield whole.subarray(at, at + PIECE_BYTES)
}

interface ForEngine {
  query: string
  clickhouse_settings?: ClickHouseSettings
  abort_signal?: AbortSignal
}

/**
 * The engine cannot stop a statement early, it only seems to; `max_execution_time` does. Each setting would be a statement
 * of its own, of 0.3 ms of the processor: one says all of them.
 */
function forEngine<T extends ForEngine>(params: T): T {
  const { abort_signal: _, clickhouse_settings: settings = {}, query, ...rest } = params
  return { ...rest, query: `${settingsSql(settings)}${query}` } as T
}

/** Of HTTP: the engine has no such setting. */
const OF_HTTP: ReadonlySet<string> = new Set(['wait_end_of_query'])

function settingsSql(settings: ClickHouseSettings): string {
  const all = Object.entries(settings).filter(([name, value]) => value !== undefined && !OF_HTTP.has(name))
  const texts = all.map(([name, value]) => `${name} = '${String(value).replaceAll(/['\\]/g, '\\$&')}'`)
  return texts.length === 0 ? '' : `SET ${texts.join(', ')}; `
}
