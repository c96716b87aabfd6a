import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { startClickHouse } from '../../scripts/clickhouse-server.ts'

/** What came over HTTP, for tests to look at. */
export interface SeenRequest {
  /** Of the statement, as its query id says. */
  name: string
  settings: Record<string, string>
  headers: IncomingMessage['headers']
}

/** A real ClickHouse server, by a way on which tests can cut, stall and answer in its place. */
export interface ClickHouseServer {
  url: string
  requests: SeenRequest[]
  /** Requests from now on get no answer. */
  stall(stalled: boolean): void
  /** Requests from now on are cut off. */
  cutOff(isCutOff: boolean): void
  /**
   * The next statement of this name is answered with this exception, cut off before or after it was carried out, or
   * answered as if it had been: for what a server of the library cannot do.
   */
  failNext(name: string, failure: Failure): void
  /** Kills the server, and starts it again over the same data, at the same address. */
  restart(): Promise<void>
  stop(): Promise<void>
}

type Failure = { code: number; name: string } | 'cut-off-after' | 'cut-off-before' | 'answered'

export const USER = 'bridge'
export const PASSWORD = 'secret of the bridge'

/** Settings of a bridge that has the database at this address: of the server itself, or of a proxy before it. */
export const clickhouseSettings = (url: string, database?: string): Record<string, string> => ({
  CLICKHOUSE_URL: url,
  CLICKHOUSE_USER: USER,
  CLICKHOUSE_PASSWORD: PASSWORD,
  ...(database !== undefined && { CLICKHOUSE_DATABASE: database }),
})

/** Parameters of the address that are no settings. */
const NO_SETTINGS = new Set(['query', 'database', 'query_id', 'session_id', 'default_format'])

export async function startClickHouseServer(): Promise<ClickHouseServer> {
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-clickhouse-'))
  const start = () => startClickHouse({ folder, port: 0, users: [{ name: USER, password: PASSWORD }] })
  let real = await start()
  const requests: SeenRequest[] = []
  const failures: { name: string; failure: Failure }[] = []
  let stalled = false
  let isCutOff = false

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(incoming)
    if (isCutOff) return void incoming.socket.destroy()
    const seen = seenOf(incoming)
    if (seen !== undefined) requests.push(seen)
    if (stalled) return
    const at = failures.findIndex(({ name }) => name === seen?.name)
    const failure = at < 0 ? undefined : failures.splice(at, 1)[0]?.failure
    if (failure === 'cut-off-before') return void incoming.socket.destroy()
    if (failure === 'answered')
      return void response.writeHead(200, { 'x-clickhouse-summary': '{"result_rows":"0"}' }).end()
    if (typeof failure === 'object') return refuse(response, failure.code, failure.name)
    const answer = await carriedOut(real.url, incoming, body, response)
    if (failure === 'cut-off-after') return void incoming.socket.destroy()
    response.writeHead(answer.status, answer.headers).end(answer.body)
  }
  const proxy = createServer((incoming, response) => {
    // the server is gone: so is whoever stands before it
    handle(incoming, response).catch(() => incoming.socket.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port } = proxy.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    stall: (value) => {
      stalled = value
    },
    cutOff: (value) => {
      isCutOff = value
    },
    failNext: (name, failure) => void failures.push({ name, failure }),
    async restart() {
      await real.stop()
      real = await start()
    },
    async stop() {
      proxy.closeAllConnections()
      await new Promise((resolve) => proxy.close(resolve))
      await real.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: Buffer
}

function carriedOut(
  url: string,
  { method, url: path, headers }: IncomingMessage,
  body: Buffer,
  client: ServerResponse,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path ?? '/', url), { method, headers: { ...headers, host: new URL(url).host } })
    sent.on('error', reject)
    // whoever asked is gone
    client.on('close', () => sent.destroy())
    sent.on('response', (response) => {
      const { statusCode: status = 0 } = response
      const { 'transfer-encoding': _, ...rest } = response.headers
      buffer(response).then((all) => resolve({ status, headers: rest, body: all }), reject)
    })
    sent.end(body)
  })
}

/** As a server tells an exception: status, header and text. */
function refuse(response: ServerResponse, code: number, name: string): void {
  response.writeHead(500, { 'x-clickhouse-exception-code': String(code) })
  response.end(`Code: ${code}. DB::Exception: as the test wants it (${name}) (version 26.7.3.1)\n`)
}

function seenOf({ url, headers }: IncomingMessage): SeenRequest | undefined {
  const params = new URL(url ?? '/', 'http://server').searchParams
  const name = /^token-bridge-(.+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(params.get('query_id') ?? '')?.[1]
  if (name === undefined) return undefined
  const settings = [...params].filter(([key]) => !NO_SETTINGS.has(key) && !key.startsWith('param_'))
  return { name, settings: Object.fromEntries(settings), headers }
}
