import { describe, expect, test } from 'vitest'
import { head, openRaw, statuses } from '../support/raw-connection.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const ANNOUNCED = { 'content-type': 'application/json', 'content-length': 600_000 }

/** The status of a question of `bytes`, asked by `user`. */
async function ask(server: TestServer, user: string, bytes: number): Promise<number> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await server.token(['viewer'], user)}` },
    body: JSON.stringify({ query: '{ viewer { userId } }', extensions: { padding: 'x'.repeat(bytes) } }),
  })
  await response.arrayBuffer()
  return response.status
}

describe('a body that is announced and not sent', () => {
  test('is refused without a token, and holds nobody up', async () => {
    const server = await startServer(makeFolder())
    const open = ['/health/live', '/health/ready', '/graphql', '/metrics', '/nowhere'].flatMap((path) =>
      Array.from({ length: 4 }, () => ({ path, connection: openRaw(server.url, head(`POST ${path}`, ANNOUNCED)) })),
    )
    for (const { path, connection } of open)
      expect(statuses(await connection.closed), path).toEqual([path.startsWith('/health') ? 404 : 401])
    expect(await ask(server, 'ann', 300_000)).toBe(200)
  })

  test('takes no room with a token either: neither from others nor from the same user', async () => {
    const server = await startServer(makeFolder())
    const authorization = `Bearer ${await server.token(['viewer'], 'bob')}`
    const open = Array.from({ length: 20 }, () =>
      openRaw(server.url, head('POST /graphql', { ...ANNOUNCED, authorization, expect: '100-continue' })),
    )
    // the server has read a head when it asks for the rest
    await until('the heads to be read', () => open.every(({ received }) => received() !== '') || undefined)
    for (const bytes of [10, 300_000]) expect(await ask(server, 'ann', bytes)).toBe(200)
    expect(await ask(server, 'bob', 10)).toBe(200)
    // of the same user nothing larger is taken for a moment, while it may still be coming
    await until('room', async () => ((await ask(server, 'bob', 300_000)) === 200 ? true : undefined))
    const told = open.map(({ received }) => statuses(received()))
    // the first is waited for, the rest are refused at their heads; none is closed yet
    expect(told.filter((codes) => codes.length === 1)).toEqual([[100]])
    expect(new Set(told.flat())).toEqual(new Set([100, 503]))
    for (const { closed } of open) expect(statuses(await closed).at(-1)).toBe(408)
  })

  test('is not read where the route has no use for it, whoever sends it', async () => {
    const server = await startServer(makeFolder())
    const authorization = `Bearer ${await server.token(['operator'])}`
    const answer = (line: string) =>
      openRaw(server.url, head(line, { ...ANNOUNCED, authorization })).closed.then(statuses)
    expect(await answer('POST /nowhere')).toEqual([404])
    expect(await answer('GET /metrics')).toEqual([400])
    expect(await answer('GET /graphql?query={viewer{userId}}')).toEqual([400])
    expect(await answer('GET /health/live')).toEqual([400])
  })
})

describe('a head that does not come to its end', () => {
  test('is told so, and its connection is closed, as is one that says nothing', async () => {
    const server = await startServer(makeFolder())
    const slow = openRaw(server.url, 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n')
    const drip = setInterval(() => slow.socket.write('x-more: 1\r\n'), 200)
    const silent = openRaw(server.url)
    expect(statuses(await slow.closed)).toEqual([408])
    clearInterval(drip)
    await silent.closed
  })

  test('or is too long, is refused', async () => {
    const server = await startServer(makeFolder())
    const long = openRaw(server.url, head('GET /health/live', { 'x-long': 'x'.repeat(100_000) }))
    expect(statuses(await long.closed)).toEqual([431])
    const nonsense = openRaw(server.url, '\0\0\0\r\n\r\n')
    const told = await nonsense.closed
    expect(statuses(told)).toEqual([400])
    expect(JSON.parse(told.split('\r\n\r\n')[1] as string)).toEqual({
      errors: [{ message: 'this is no HTTP request', extensions: { code: 'BAD_REQUEST', retryable: false } }],
    })
  })
})
