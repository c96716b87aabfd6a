import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { createChdbConnection } from 'chdb/connection'

/** What came over HTTP, for tests to look at. */
export interface SeenRequest {
  path: string
  query: string
  settings: Record<string, string>
  params: Record<string, string>
  headers: IncomingMessage['headers']
}

export interface ClickHouseServer {
  url: string
  requests: SeenRequest[]
  /** Requests from now on get no answer. */
  stall(stalled: boolean): void
  /** The next requests whose statement matches are answered with this exception, or cut off after they were carried out. */
  failNext(pattern: RegExp, failure: { code: number; name: string } | 'cut-off-after' | 'cut-off-before'): void
  stop(): Promise<void>
}

export const USER = 'bridge'
export const PASSWORD = 'secret of the bridge'

interface Statement {
  sql: string
  body: Buffer | undefined
  settings: Record<string, string>
  params: Record<string, string>
}

/** Parameters of the address that are no settings. */
const NO_SETTINGS = new Set([
  'query',
  'database',
  'query_id',
  'session_id',
  'default_format',
  'enable_http_compression',
  'wait_end_of_query',
])

/** ClickHouse's HTTP interface, as far as the client uses it, in front of the embedded engine. */
export async function startClickHouseServer(): Promise<ClickHouseServer> {
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-clickhouse-'))
  const engine = createChdbConnection({ path: folder })
  const requests: SeenRequest[] = []
  const failures: { pattern: RegExp; failure: Parameters<ClickHouseServer['failNext']>[1] }[] = []
  let stalled = false
  let last: Promise<unknown> = Promise.resolve()

  const carryOut = async ({ sql, body, settings, params }: Statement, database: string | null): Promise<Buffer> => {
    const text = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
    const before = [
      ...(database === null ? [] : [`USE ${database}`]),
      ...Object.entries(settings).map(([name, value]) => `SET ${name} = ${text(value)}`),
      ...Object.entries(params).map(([name, value]) => `SET param_${name} = ${text(value)}`),
    ]
    const statement = body === undefined || body.length === 0 ? sql : `${sql}\n${body.toString('utf8')}`
    const { stream } = await engine.query({ query: [...before, statement].join('; ') })
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
    return Buffer.concat(chunks)
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://server')
    const bytes = await readBody(request)
    if (url.pathname === '/ping') return void response.end('Ok.\n')
    const statement = readStatement(request, url, bytes)
    requests.push({
      path: url.pathname,
      query: statement.sql,
      settings: statement.settings,
      params: statement.params,
      headers: request.headers,
    })
    if (stalled) return
    if (!isAllowed(request)) return refuse(response, 516, 'AUTHENTICATION_FAILED', `${USER}: Authentication failed`)
    const at = failures.findIndex(({ pattern }) => pattern.test(statement.sql))
    const [failing] = at < 0 ? [] : failures.splice(at, 1)
    if (failing?.failure === 'cut-off-before') return void request.socket.destroy()
    if (typeof failing?.failure === 'object')
      return refuse(response, failing.failure.code, failing.failure.name, 'as the test wants it')
    // one statement at a time; after a failure, what it left behind is thrown away
    const result = last.then(() => carryOut(statement, url.searchParams.get('database')))
    last = result.catch(() => engine.query({ query: 'SELECT 1 FORMAT Null' }))
    try {
      const rows = await result
      if (failing?.failure === 'cut-off-after') return void request.socket.destroy()
      response.setHeader('x-clickhouse-query-id', url.searchParams.get('query_id') ?? '')
      response.setHeader('x-clickhouse-summary', '{"read_rows":"0"}')
      const zip =
        url.searchParams.get('enable_http_compression') === '1' && /gzip/.test(request.headers['accept-encoding'] ?? '')
      if (zip) response.setHeader('content-encoding', 'gzip')
      response.end(zip ? gzipSync(rows) : rows)
    } catch (error) {
      const { code, type, message } = error as { code: string; type: string; message: string }
      refuse(response, Number(code), type, message)
    }
  }

  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    stall: (value) => (stalled = value),
    failNext: (pattern, failure) => void failures.push({ pattern, failure }),
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await last
      await engine.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** As a server tells an exception: status, header and text. */
function refuse(response: ServerResponse, code: number, name: string, message: string): void {
  response.statusCode = code === 516 ? 403 : code === 60 || code === 47 ? 404 : 500
  response.setHeader('x-clickhouse-exception-code', String(code))
  response.end(`Code: ${code}. DB::Exception: ${message} (${name}) (version 26.7.3.1)\n`)
}

function isAllowed({ headers }: IncomingMessage): boolean {
  const basic = Buffer.from(`${USER}:${PASSWORD}`).toString('base64')
  return (
    headers.authorization === `Basic ${basic}` ||
    (headers['x-clickhouse-user'] === USER && headers['x-clickhouse-key'] === PASSWORD)
  )
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes
}

function readStatement(request: IncomingMessage, url: URL, bytes: Buffer): Statement {
  const settings: Record<string, string> = {}
  const params: Record<string, string> = {}
  for (const [name, value] of url.searchParams) {
    if (name.startsWith('param_')) params[name.slice(6)] = value
    else if (!NO_SETTINGS.has(name)) settings[name] = value
  }
  const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(request.headers['content-type'] ?? '')?.[1]
  if (boundary !== undefined) {
    const parts = readParts(bytes, boundary)
    for (const [name, value] of parts) if (name.startsWith('param_')) params[name.slice(6)] = value
    return { sql: parts.get('query') ?? url.searchParams.get('query') ?? '', body: undefined, settings, params }
  }
  const inAddress = url.searchParams.get('query')
  if (inAddress !== null) return { sql: inAddress, body: bytes, settings, params }
  return { sql: bytes.toString('utf8'), body: undefined, settings, params }
}

function readParts(bytes: Buffer, boundary: string): Map<string, string> {
  const parts = new Map<string, string>()
  for (const part of bytes.toString('utf8').split(`--${boundary}`)) {
    const [head = '', ...rest] = part.split('\r\n\r\n')
    const name = /name="([^"]+)"/.exec(head)?.[1]
    if (name !== undefined) parts.set(name, rest.join('\r\n\r\n').replace(/\r\n$/, ''))
  }
  return parts
}
