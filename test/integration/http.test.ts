import { readdirSync, readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { takeServerPlace } from '../../src/server-file.ts'
import { head, openRaw, statuses } from '../support/raw-connection.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const QUERY = { query: '{ tokenMetrics { recordCount } }' }

function withSecretContent(): string {
  const folder = makeFolder()
  writeTranscripts(folder, { 'shop/a.jsonl': [line({ content: 'the launch code is 0000' }), 'broken launch code'] })
  return folder
}

const post = (server: TestServer, headers: Record<string, string>, body: unknown = QUERY) =>
  fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function told(response: Response): Promise<[number, string | undefined]> {
  const body = (await response.json()) as { errors?: { extensions?: { code?: string } }[] }
  return [response.status, body.errors?.[0]?.extensions?.code]
}

describe('who asks', () => {
  test('must be known: every path but the two of health wants a valid token', async () => {
    const server = await startServer(withSecretContent())
    const secret = readFileSync(join(server.folder, 'data', 'auth-jwt-secret'), 'utf8').trim()
    const sign = (payload: Record<string, unknown>, alg = 'HS256', key = secret) =>
      new SignJWT(payload).setProtectedHeader({ alg }).sign(Buffer.from(key))
    const now = Math.floor(Date.now() / 1000)
    const good = { sub: 'ann', roles: ['viewer'], iss: 'token-bridge', iat: now, exp: now + 60 }
    expect((await post(server, bearer(await sign(good)))).status).toBe(200)
    const without = (key: keyof typeof good) =>
      Object.fromEntries(Object.entries(good).filter(([name]) => name !== key))
    const bad = [
      '',
      'Basic YTpi',
      'Bearer',
      'Bearer nonsense',
      'Bearer a.b.c',
      `Bearer ${await sign({ ...good, exp: now - 60 })}`,
      `Bearer ${await sign({ ...good, iss: 'someone' })}`,
      `Bearer ${await sign({ ...good, roles: ['root'] })}`,
      `Bearer ${await sign({ ...good, roles: 'viewer' })}`,
      `Bearer ${await sign({ ...good, sub: 'x'.repeat(201) })}`,
      `Bearer ${await sign(good, 'HS512', secret)}`,
      `Bearer ${await sign(good, 'HS256', 'x'.repeat(64))}`,
      `Bearer ${await sign(without('exp'))}`,
      `Bearer ${await sign(without('sub'))}`,
      `Bearer ${await sign(without('roles'))}`,
      `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(good)).toString('base64url')}.`,
    ]
    for (const authorization of bad) {
      const response = await post(server, { authorization })
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(await told(response), authorization).toEqual([401, 'UNAUTHENTICATED'])
    }
    for (const path of ['/graphql', '/metrics', '/', '/health', '/health/live/x'])
      expect((await fetch(`${server.url}${path}`)).status, path).toBe(401)
    expect(await (await fetch(`${server.url}/health/live`)).json()).toEqual({ status: 'live' })
    expect(await (await fetch(`${server.url}/health/ready`)).json()).toEqual({ status: 'ready' })
  })

  test('may do what the roles say, field by field', async () => {
    const server = await startServer(withSecretContent())
    const code = async (query: string, roles: ('viewer' | 'ingester' | 'operator')[]) =>
      (await server.ask(query, {}, roles)).errors?.[0]?.extensions.code
    expect(await code('{ tokenMetrics { recordCount } }', ['ingester'])).toBe('FORBIDDEN')
    expect(await code('{ session(id: "s") { id } }', [])).toBe('FORBIDDEN')
    expect(await code('{ health { state } }', ['ingester'])).toBe('FORBIDDEN')
    expect(await code('{ migration { id } }', ['viewer'])).toBe('FORBIDDEN')
    expect(await code('mutation { startMigration { id } }', ['viewer', 'ingester'])).toBe('FORBIDDEN')
    expect(
      await code('mutation { ingestTokenRecords(input: { records: [] }) { accepted } }', ['viewer', 'operator']),
    ).toBe('FORBIDDEN')
    expect(await code('{ viewer { userId } }', [])).toBeUndefined()
    expect(await code('{ tokenMetrics { recordCount } }', ['operator'])).toBeUndefined()
    const metrics = async (roles: ('viewer' | 'operator')[]) =>
      (await fetch(`${server.url}/metrics`, { headers: bearer(await server.token(roles)) })).status
    expect(await metrics(['viewer'])).toBe(403)
    expect(await metrics(['operator'])).toBe(200)
  })

  test('finds a secret that was made at the first start, for the owner alone', async () => {
    const { folder } = await startServer(withSecretContent())
    expect(statSync(join(folder, 'data', 'auth-jwt-secret')).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(join(folder, 'data', 'index')))
      expect(statSync(join(folder, 'data', 'index', name)).mode & 0o077, name).toBe(0)
  })
})

describe('over HTTP', () => {
  test('a cross-site form is stopped, batches and other methods are refused, a query may come by GET', async () => {
    const server = await startServer(withSecretContent())
    const auth = bearer(await server.token(['viewer']))
    expect((await post(server, { ...auth, 'content-type': 'text/plain' })).status).toBeGreaterThanOrEqual(400)
    expect((await post(server, auth, [QUERY, QUERY])).status).toBe(400)
    const url = `${server.url}/graphql?query=${encodeURIComponent(QUERY.query)}`
    const unasked = await fetch(url, { headers: auth })
    expect([unasked.status, await unasked.json()]).toMatchObject([
      400,
      {
        errors: [
          { message: expect.stringMatching(/^any page could have sent this: .* the header apollo-require-pre/) },
        ],
      },
    ])
    const byGet = await fetch(url, { headers: { ...auth, 'apollo-require-preflight': '1' } })
    expect(await byGet.json()).toEqual({ data: { tokenMetrics: { recordCount: '1' } } })
    expect((await fetch(`${server.url}/graphql`, { method: 'DELETE', headers: auth })).status).toBe(404)
  })

  test('what is no JSON, too large or too long is told in the shape of GraphQL errors', async () => {
    const server = await startServer(withSecretContent())
    const auth = bearer(await server.token(['viewer']))
    expect(await told(await post(server, auth, '{'))).toEqual([400, 'BAD_REQUEST'])
    expect(await told(await post(server, auth, JSON.stringify({ query: 'x'.repeat(2 << 20) })))).toEqual([
      413,
      'BAD_REQUEST',
    ])
    const tooLarge = await post(server, auth, JSON.stringify({ query: 'x'.repeat(2 << 20) }))
    expect(await tooLarge.text()).toContain('the body is too large: at most 1048576 bytes (1024 KiB) are taken')
    expect(await told(await post(server, auth, { query: `{ ${'a '.repeat(6000)} }` }))).toEqual([
      400,
      'GRAPHQL_PARSE_FAILED',
    ])
    expect(await told(await fetch(`${server.url}/nothing`, { headers: auth }))).toEqual([404, 'NOT_FOUND'])
    expect(await told(await post(server, auth, { query: '{ nothing }' }))).toEqual([400, 'GRAPHQL_VALIDATION_FAILED'])
  })

  test('a Host that is none, or that is missing, is told where it matters', async () => {
    const server = await startServer(withSecretContent(), { ALLOWED_HOSTS: 'bridge, bücher.example' })
    const body = JSON.stringify(QUERY)
    const headers = [
      `authorization: Bearer ${await server.token(['viewer'])}`,
      'content-type: application/json',
      `content-length: ${body.length}`,
      'connection: close',
    ]
    const asked = async (request: string, ...more: string[]): Promise<string> =>
      openRaw(server.url, `${[request, ...more, ...headers].join('\r\n')}\r\n\r\n${body}`).closed
    for (const host of ['a b', '[::1', 'x:99999', ':80', 'x/y', 'x?y', 'a@b', '%']) {
      const answer = await asked('POST /graphql HTTP/1.1', `host: ${host}`)
      expect(statuses(answer), host).toEqual([400])
      expect(answer).toContain('the header Host must be a host, with or without a port')
    }
    const old = await asked('POST /graphql HTTP/1.0')
    expect(old).toMatch(/^HTTP\/1\.1 400/)
    expect(old).toContain('the header Host is missing')
    for (const host of ['localhost', 'bridge:4000', '[::1]:4000', '127.0.0.1', 'xn--bcher-kva.example'])
      expect(statuses(await asked('POST /graphql HTTP/1.1', `host: ${host}`)), host).toEqual([200])
    // load balancers ask like this
    expect(statuses(await openRaw(server.url, 'GET /health/live HTTP/1.0\r\n\r\n').closed)).toEqual([200])
    expect(server.log()).not.toContain('a request failed')
  })

  test('a whole URL in place of the path, as proxies send it, is taken as its path', async () => {
    const server = await startServer(withSecretContent())
    const asked = async (target: string) =>
      statuses(await openRaw(server.url, head(`GET ${target}`, { connection: 'close' })).closed)
    expect(await asked('http://x/health/live')).toEqual([200])
    expect(await asked('HTTPS://x:80/health/ready?a=http://b/')).toEqual([200])
    expect(await asked('http://x')).toEqual([401])
    expect(await asked('http://x/graphql')).toEqual([401])
    expect(await asked('ftp://x/health/live')).toEqual([401])
  })

  test('introspection is for development', async () => {
    const query = '{ __schema { queryType { name } } }'
    const development = await startServer(withSecretContent())
    expect((await development.ask(query)).data.__schema.queryType.name).toBe('Query')
    const production = await startServer(withSecretContent(), { NODE_ENV: 'production' })
    expect((await production.ask(query)).errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
  })
})

describe('what can be watched', () => {
  test('no secret, no question and no content is in any log line, but the request is, with its id', async () => {
    const server = await startServer(withSecretContent())
    const token = await server.token(['viewer'])
    const response = await post(
      server,
      { ...bearer(token), 'x-request-id': 'trace-me-42' },
      { query: '{ tokenMetrics(filter: { models: ["secret-model"] }) { recordCount } }' },
    )
    expect(response.headers.get('x-request-id')).toBe('trace-me-42')
    await fetch(`${server.url}/graphql?query=${encodeURIComponent('{secret-question}')}`, { headers: bearer(token) })
    await post(server, { authorization: 'Bearer wrong.secret-token.value', 'x-request-id': 'not allowed' })
    await server.close()
    const log = server.log()
    expect(log).toContain('"trace-me-42"')
    expect(log).toContain('"path":"/graphql"')
    const secret = readFileSync(join(server.folder, 'data', 'auth-jwt-secret'), 'utf8').trim()
    for (const hidden of [
      token,
      token.split('.')[2] as string,
      secret,
      'secret-model',
      'secret-question',
      'secret-token',
      'launch code',
      'not allowed',
    ])
      expect(log).not.toContain(hidden)
  })

  test('/metrics has the figures of the process, the requests, the operations and the analysis', async () => {
    const server = await startServer(withSecretContent())
    await server.ask('{ tokenMetrics { recordCount } }')
    await server.ask('{ migration { id } }')
    const response = await fetch(`${server.url}/metrics`, { headers: bearer(await server.token(['operator'])) })
    const text = await response.text()
    expect(response.headers.get('content-type')).toContain('text/plain')
    for (const wanted of [
      'process_resident_memory_bytes',
      'token_bridge_http_request_duration_seconds_count{route="/graphql",method="POST",status="200"} 2',
      'token_bridge_graphql_operation_duration_seconds_count{type="query",outcome="ok"} 1',
      'token_bridge_graphql_errors_total{code="FORBIDDEN"} 1',
      'token_bridge_transcripts 1',
      'token_bridge_token_records 1',
    ])
      expect(text).toContain(wanted)
  })
})

/** A question whose second half is sent when it is asked for: in flight for as long as a test wants. */
async function halfAsked(server: TestServer) {
  const token = await server.token(['viewer'])
  const body = JSON.stringify(QUERY)
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  socket.on('error', () => undefined)
  const closed = new Promise<string>((resolve) => {
    socket.on('close', () => resolve(received))
  })
  const half = Math.floor(body.length / 2)
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nauthorization: Bearer ${token}\r\nx-request-id: half-asked\r\nexpect: 100-continue\r\n\r\n`,
  )
  // the server has read the head when it asks for the rest
  await until('the server to go on', () => received.includes('100 Continue') || undefined)
  socket.write(body.slice(0, half))
  return { closed, finish: () => void socket.write(body.slice(half)) }
}

describe('a shutdown', () => {
  test('lets the question in flight be answered, takes no more, and leaves nothing behind', async () => {
    const server = await startServer(withSecretContent())
    const question = await halfAsked(server)
    const closing = server.close()
    // it waits: what is not answered yet would be lost
    await expect(Promise.race([closing.then(() => 'closed'), answersNoMore(server)])).resolves.toBe('no more')
    question.finish()
    expect(await question.closed).toContain('{"data":{"tokenMetrics":{"recordCount":"1"}}}')
    await closing
    expect(readdirSync(join(server.folder, 'data'))).not.toContain('server.json')
    // the data folder is free for the next server
    takeServerPlace(join(server.folder, 'data')).leave()
  })

  test('does not wait beyond its deadline', async () => {
    const server = await startServer(withSecretContent(), { SHUTDOWN_DEADLINE_MS: '200' })
    const question = await halfAsked(server)
    await server.close()
    expect(await question.closed).not.toContain('recordCount')
  })
})

/** Settles when new questions are refused. */
function answersNoMore(server: TestServer): Promise<string> {
  return until('refusal', async () => {
    const { status } = await fetch(`${server.url}/graphql?query={__typename}`)
    return status === 503 ? 'no more' : undefined
  })
}
