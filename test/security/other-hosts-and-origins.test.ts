import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { head, openRaw, statuses } from '../support/raw-connection.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

const QUERY = { query: '{ viewer { userId } }' }

/** Asks over a connection of its own, as `fetch` lets nobody choose these headers. */
async function asked(server: TestServer, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  const body = JSON.stringify(QUERY)
  const text = await openRaw(
    server.url,
    head('POST /graphql', {
      authorization: `Bearer ${await server.token(['viewer'])}`,
      'content-type': 'application/json',
      'content-length': body.length,
      connection: 'close',
      ...headers,
    }) + body,
  ).closed
  return { status: statuses(text)[0] as number, text }
}

/** The status of a request for a WebSocket: 101 where there is one. */
async function opened(server: TestServer, headers: Record<string, string | string[]>): Promise<number> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers })
  onTestFinished(() => socket.terminate())
  socket.on('error', () => undefined)
  const refused = once(socket, 'unexpected-response').then(([, response]) => response.statusCode as number)
  return Promise.race([once(socket, 'open').then(() => 101), refused])
}

describe('a name that was made to point here', () => {
  test('is not hidden behind one of ours: a request has one header Host', async () => {
    const server = await startServer(makeFolder())
    for (const second of ['evil.example', 'localhost']) {
      const { status, text } = await asked(server, { host: 'localhost', Host: second })
      expect([second, status, text.includes('more than once')]).toEqual([second, 400, true])
      expect(await opened(server, { host: ['localhost', second] })).toBe(400)
    }
  })

  test('is none that the server is asked under, by HTTP and by WebSocket', async () => {
    const server = await startServer(makeFolder())
    const { port } = new URL(server.url)
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      'localhost.evil.example',
      'xlocalhost',
      '127.0.0.1.evil.example',
    ]) {
      const { status, text } = await asked(server, { host })
      expect([host, status]).toEqual([host, 403])
      expect(text).toContain('ALLOWED_HOSTS')
      expect(await opened(server, { host }), host).toBe(403)
    }
    for (const host of [
      `localhost:${port}`,
      'LOCALHOST',
      'bridge.localhost',
      `127.0.0.1:${port}`,
      '[::1]',
      '10.1.2.3',
      '[fe80::1]:80',
    ]) {
      expect((await asked(server, { host })).status, host).toBe(200)
      expect(await opened(server, { host }), host).toBe(101)
    }
  })

  test('may be named by the operator', async () => {
    const server = await startServer(makeFolder(), { ALLOWED_HOSTS: 'bridge, Bücher.example' })
    for (const host of ['bridge', 'BRIDGE:4000', 'bridge.', 'xn--bcher-kva.example'])
      expect((await asked(server, { host })).status, host).toBe(200)
    expect((await asked(server, { host: 'other' })).status).toBe(403)
  })

  test('gets nothing of a flood of its questions read', async () => {
    const server = await startServer(makeFolder())
    const answer = await openRaw(
      server.url,
      head('POST /graphql', { host: 'evil.example', 'content-type': 'application/json', 'content-length': 1000 }),
    ).closed
    expect(statuses(answer)).toEqual([403])
  })
})

describe('a page of others', () => {
  test('may not ask, by HTTP and by WebSocket, in production also from another port of this machine', async () => {
    const server = await startServer(makeFolder(), { NODE_ENV: 'production' })
    const { host } = new URL(server.url)
    for (const origin of [
      'https://evil.example',
      'http://localhost:1',
      'http://127.0.0.1',
      'null',
      'file://',
      `ftp://${host}`,
      `http://${host}.evil.example`,
    ]) {
      const { status, text } = await asked(server, { host, origin })
      expect([origin, status]).toEqual([origin, 403])
      expect(text).toContain('CORS_ORIGINS')
      expect(text).not.toMatch(/access-control/i)
      expect(await opened(server, { origin }), origin).toBe(403)
    }
    for (const origin of [`http://${host}`, `https://${host}`]) {
      expect((await asked(server, { host, origin })).status, origin).toBe(200)
      expect(await opened(server, { origin }), origin).toBe(101)
    }
  })

  test('may where the operator names it, and never with its cookies', async () => {
    const origin = 'https://dashboard.example'
    const server = await startServer(makeFolder(), { CORS_ORIGINS: `${origin}, http://localhost:5173` })
    const { status, text } = await asked(server, { origin })
    expect(status).toBe(200)
    expect(text).toContain(`access-control-allow-origin: ${origin}`)
    expect(text).toContain('vary: origin')
    expect(text).not.toContain('access-control-allow-credentials')
    expect(await opened(server, { origin })).toBe(101)
    for (const other of [
      'https://dashboard.example.evil',
      'http://dashboard.example',
      'https://dashboard.example:8443',
    ])
      expect((await asked(server, { origin: other })).status, other).toBe(403)
    // what is wrong is read by the page, too
    expect((await asked(server, { origin, authorization: 'Bearer no' })).text).toContain(
      `access-control-allow-origin: ${origin}`,
    )
  })

  test('may where it is of this machine and being developed, from any port, never with its cookies', async () => {
    const server = await startServer(makeFolder())
    for (const origin of [
      'http://localhost:5173',
      'https://localhost:8443',
      'http://127.0.0.1:3000',
      'http://[::1]:8080',
    ]) {
      const { status, text } = await asked(server, { origin })
      expect([origin, status]).toEqual([origin, 200])
      expect(text).toContain(`access-control-allow-origin: ${origin}\r\n`)
      expect(text).not.toContain('access-control-allow-credentials')
      expect(await opened(server, { origin }), origin).toBe(101)
    }
    for (const origin of [
      'null',
      'https://dashboard.example',
      'http://localhost.evil.example',
      'http://evil.example:5173',
      'ftp://localhost',
      'http://user@localhost:5173',
      'http://localhost:5173/path',
    ]) {
      const { status, text } = await asked(server, { origin })
      expect([origin, status]).toEqual([origin, 403])
      expect(text).not.toMatch(/access-control/i)
      expect(await opened(server, { origin }), origin).toBe(403)
    }
  })

  test('asks first whether it may, without a token', async () => {
    const origin = 'https://dashboard.example'
    const server = await startServer(makeFolder(), { CORS_ORIGINS: origin })
    const preflight = (from: string) =>
      fetch(`${server.url}/graphql`, {
        method: 'OPTIONS',
        headers: {
          origin: from,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization, content-type',
        },
      })
    const allowed = await preflight(origin)
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization')
    expect((await preflight('https://evil.example')).status).toBe(403)
  })
})

describe('every answer', () => {
  test('says that it is data, for whoever asked alone', async () => {
    const server = await startServer(makeFolder())
    const authorization = `Bearer ${await server.token(['operator'])}`
    for (const [path, status, headers] of [
      ['/health/live', 200, {}],
      ['/graphql', 401, {}],
      ['/metrics', 200, { authorization }],
      ['/nowhere', 404, { authorization }],
    ] as const) {
      const response = await fetch(`${server.url}${path}`, { headers })
      expect([path, response.status]).toEqual([path, status])
      expect(Object.fromEntries(response.headers), path).toMatchObject({
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(response.headers.get('strict-transport-security')).toBeNull()
    }
  })

  test.each([
    ['what is no request', 'no request\r\n\r\n', 400],
    [
      'a WebSocket that is refused',
      head('GET /graphql', {
        host: 'evil.example',
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': 13,
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      }),
      403,
    ],
  ])('says so to %s, too', async (_, request, status) => {
    const server = await startServer(makeFolder())
    const told = await openRaw(server.url, request).closed
    expect(told).toContain(`HTTP/1.1 ${status} `)
    expect(told).toContain('\r\nx-content-type-options: nosniff\r\n')
  })
})
