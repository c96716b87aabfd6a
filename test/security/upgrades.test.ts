import { describe, expect, test } from 'vitest'
import { head, openRaw, statuses } from '../support/raw-connection.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

/** What `curl --http2` sends: an offer to go on in HTTP/2, which may be ignored (RFC 9110, 7.8). */
const H2C = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQCAAAAAAIAAAAA' }
const WEBSOCKET = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': 13,
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'graphql-transport-ws',
}

describe('an offer to go on in another protocol', () => {
  test('is ignored where it is no WebSocket: the request is answered, its body included', async () => {
    const server = await startServer(makeFolder())
    const authorization = `Bearer ${await server.token(['operator'])}`
    const body = JSON.stringify({ query: '{ viewer { userId } }' })
    const json = { authorization, 'content-type': 'application/json', 'content-length': body.length }
    const asked = openRaw(server.url, head('POST /graphql', { ...H2C, ...json }))
    asked.socket.write(body)
    await until('the answer', () => asked.received().includes('}}}') || undefined)
    // the connection goes on
    asked.socket.write(head('GET /health/live', { connection: 'close' }))
    const received = await asked.closed
    expect(statuses(received)).toEqual([200, 200])
    expect(received).toContain('{"data":{"viewer":{"userId":"ann"}}}')
    expect(received).toContain('{"status":"live"}')
    for (const [path, upgrade, status] of [
      ['/health/live', 'h2c', 200],
      ['/health/ready', 'TLS/1.0', 200],
      ['/metrics', 'h2c', 200],
      ['/nowhere', 'h2c', 404],
    ] as const) {
      const connection = openRaw(
        server.url,
        head(`GET ${path}`, { ...H2C, upgrade, authorization, connection: 'Upgrade, HTTP2-Settings, close' }),
      )
      expect(statuses(await connection.closed), path).toEqual([status])
    }
  })

  test('is taken for a WebSocket at its path alone, and answered as HTTP elsewhere', async () => {
    const server = await startServer(makeFolder())
    const answer = (path: string) => {
      const { socket, closed } = openRaw(server.url, head(`GET ${path}`, WEBSOCKET))
      socket.once('data', () => socket.end())
      return closed.then(statuses)
    }
    expect(await answer('/graphql')).toEqual([101])
    expect(await answer('/graphql?x=1')).toEqual([101])
    expect(await answer('/elsewhere')).toEqual([401])
    expect(await answer('/health/live')).toEqual([200])
  })
})
