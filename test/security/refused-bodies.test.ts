import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

/** Sends the head of a POST and some of its body, then resets the connection after so many turns of the event loop. */
async function reset(server: TestServer, type: string, length: number, turns: number): Promise<void> {
  const { hostname, port } = new URL(server.url)
  const token = await server.token(['viewer'], 'mallory')
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const head = `POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`
  socket.write(head + ' '.repeat(5000))
  socket.once('connect', () => {
    const later = (left: number): void => void (left === 0 ? socket.resetAndDestroy() : setImmediate(later, left - 1))
    later(turns)
  })
  await closed
}

const large = (server: TestServer) =>
  server.ask('query ($pad: [String!]) { tokenMetrics(filter: { projects: $pad }) { recordCount } }', {
    pad: Array.from({ length: 900 }, (_, i) => `${'x'.repeat(30)}${i}`),
  })

describe('a body that is refused', () => {
  test.each([
    ['too large', 'application/json', 2_000_000],
    ['of no type that is known', 'text/csv', 900_000],
  ])('%s, and cut off at any moment, ends nothing but itself', async (_what, type, length) => {
    const server = await startServer(makeFolder())
    for (let i = 0; i < 60; i++) await reset(server, type, length, i % 12)
    expect((await server.ask('{ viewer { userId } }')).status).toBe(200)
  })

  test('holds nothing afterwards: neither for its sender nor for others', async () => {
    const server = await startServer(makeFolder())
    const post = async (user: string, type: string, body: string) => {
      const authorization = `Bearer ${await server.token(['viewer'], user)}`
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { authorization, 'content-type': type },
        body,
      }).catch(() => undefined)
      return response?.status
    }
    for (let i = 0; i < 30; i++) {
      await post(`user${i % 3}`, 'text/csv', 'x'.repeat(50_000))
      await post(`user${i % 3}`, 'application/json', `{${'x'.repeat(100_000)}`)
      await post(`user${i % 3}`, 'application/json', 'x'.repeat(1_500_000))
    }
    await until('room', async () => ((await large(server)).status === 200 ? true : undefined))
    for (let i = 0; i < 10; i++) expect((await large(server)).status).toBe(200)
    expect(
      await post(
        'user1',
        'application/json',
        JSON.stringify({ query: '{ viewer { userId } }', extensions: { pad: 'x'.repeat(100_000) } }),
      ),
    ).toBe(200)
  })
})
