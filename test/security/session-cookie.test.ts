import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, get } from 'node:https'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { start } from '../support/cli.ts'
import { head, openRaw, statuses } from '../support/raw-connection.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const DASHBOARD = 'https://dashboard.example'

async function signedIn(settings: Record<string, string> = {}) {
  const server = await startServer(makeFolder(), settings)
  const { signInUrl = '' } = server.app
  const response = await fetch(signInUrl)
  const header = response.headers.get('set-cookie') ?? ''
  return { server, signInUrl, response, header, cookie: header.split(';', 1)[0] as string }
}

/** Asks who asks, with these headers, over a connection of its own: `fetch` lets nobody choose them. */
async function asked(server: TestServer, headers: Record<string, string>): Promise<number> {
  const body = JSON.stringify({ query: '{ viewer { userId roles } }' })
  const { host } = new URL(server.url)
  const json = { 'content-type': 'application/json', 'content-length': body.length, connection: 'close' }
  const text = await openRaw(server.url, head('POST /graphql', { host, ...json, ...headers }) + body).closed
  return statuses(text)[0] as number
}

/** How a WebSocket that shows no token is closed; `open` where it is not. */
async function socketOf(server: TestServer, headers: Record<string, string>): Promise<unknown> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers })
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  const answered = once(socket, 'message').then(() => 'open')
  const closed = once(socket, 'close').then(([code]) => code)
  socket.send(JSON.stringify({ type: 'connection_init' }))
  return Promise.race([answered, closed])
}

describe('the address that the start prints', () => {
  test('lets a browser in once, by a cookie that no page reads and no other site sends', async () => {
    const { server, signInUrl, response, header } = await signedIn()
    expect(response.status).toBe(200)
    expect(header).toMatch(/^token_bridge_session=[\w.-]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/)
    const again = await fetch(signInUrl)
    expect([again.status, again.headers.get('set-cookie')]).toEqual([403, null])
    expect(server.log()).not.toContain(new URL(signInUrl).searchParams.get('token'))
    expect(server.log()).not.toContain(header.split(/[=;]/)[1])
  })

  test('lets nobody in by another token', async () => {
    const server = await startServer(makeFolder())
    const url = new URL(server.app.signInUrl ?? '')
    const token = url.searchParams.get('token') ?? ''
    for (const search of [
      '',
      '?token=',
      `?token=${token}x`,
      `?token=${token.slice(1)}`,
      `?token=${token}&token=${token}`,
    ])
      expect((await fetch(`${server.url}/sign-in${search}`)).status, search).toBe(403)
    // under a name that was made to point here, not even by the right one
    const misled = openRaw(
      server.url,
      head(`GET ${url.pathname}${url.search}`, { host: 'evil.example', connection: 'close' }),
    )
    expect(statuses(await misled.closed)).toEqual([403])
    expect((await fetch(url)).status).toBe(200)
  })

  test('is not there in production, where the start prints no token', async () => {
    const production = await startServer(makeFolder(), { NODE_ENV: 'production' })
    expect(production.app.signInUrl).toBeUndefined()
    expect((await fetch(`${production.url}/sign-in?token=x`)).status).toBe(404)
    const folder = makeFolder()
    const settings = { PORT: '0', CLICKHOUSE_EMBEDDED: 'off' }
    const printed = async (more: Record<string, string>): Promise<string> => {
      const server = start(['serve'], folder, { ...settings, ...more })
      await until('the start', () => server.stdout().includes('answers at') || undefined)
      server.signal('SIGTERM')
      const { stdout, stderr } = await server.ended
      return stdout + stderr
    }
    expect(await printed({})).toMatch(/\/sign-in\?token=[\w-]{43}\n.*\n.*Bearer eyJ/)
    expect(await printed({ NODE_ENV: 'production' })).not.toMatch(/token=|Bearer|eyJ/)
  })
})

describe('the session', () => {
  test('counts for pages of this server alone', async () => {
    const { server, cookie } = await signedIn({ CORS_ORIGINS: DASHBOARD })
    const { origin, port } = new URL(server.url)
    expect(await asked(server, { cookie, origin })).toBe(200)
    expect(await asked(server, { cookie: `a=b; ${cookie}; c=d`, origin })).toBe(200)
    expect(await asked(server, { cookie, 'sec-fetch-site': 'same-origin' })).toBe(200)
    // ports are the same site, so that a browser sends the cookie from there, too
    expect(await asked(server, { cookie, origin: `http://127.0.0.1:${Number(port) + 1}` })).toBe(401)
    // a page that may ask may not ask as somebody else
    expect(await asked(server, { cookie, origin: DASHBOARD })).toBe(401)
    for (const headers of [
      {},
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'none' },
    ])
      expect(await asked(server, { cookie, ...headers }), JSON.stringify(headers)).toBe(401)
    expect(await asked(server, { cookie: 'token_bridge_session=x', origin })).toBe(401)
  })

  test('is no way around a token that is shown and is no good', async () => {
    const { server, cookie } = await signedIn()
    expect(await asked(server, { cookie, origin: server.url, authorization: 'Bearer no' })).toBe(401)
  })

  test('counts for WebSockets in the same way', async () => {
    const { server, cookie } = await signedIn({ CORS_ORIGINS: DASHBOARD })
    expect(await socketOf(server, { cookie, origin: server.url })).toBe('open')
    expect(await socketOf(server, { cookie })).toBe(4401)
    expect(await socketOf(server, { cookie, origin: DASHBOARD })).toBe(4401)
  })

  test('is sent over HTTPS alone where there is HTTPS', async () => {
    const tls = { TLS_CERT_FILE: 'test/fixtures/tls/first-cert.pem', TLS_KEY_FILE: 'test/fixtures/tls/first-key.pem' }
    const { app } = await startServer(makeFolder(), tls)
    const agent = new Agent({ ca: readFileSync(tls.TLS_CERT_FILE), servername: 'bridge.example' })
    const [response] = await once(get(app.signInUrl ?? '', { agent }), 'response')
    expect(response.headers['set-cookie'][0]).toMatch(/; Secure$/)
    response.resume()
  })

  test('ends where its user is revoked', async () => {
    const { server, cookie } = await signedIn()
    const origin = server.url
    const text = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { cookie, origin, 'content-type': 'application/json', authorization: `Bearer ${cookie.split('=')[1]}` },
      body: JSON.stringify({ query: '{ viewer { userId } }' }),
    }).then((response) => response.json())
    const { userId } = (text as { data: { viewer: { userId: string } } }).data.viewer
    await server.ask(`mutation { revokeAccess(userId: ${JSON.stringify(userId)}, reason: "left") }`, {}, ['operator'])
    expect(await asked(server, { cookie, origin })).toBe(401)
  })
})
