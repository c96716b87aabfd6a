import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/domain/limits.ts'
import { head, openRaw, statuses } from '../support/raw-connection.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const CHUNKED = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${' '.repeat(bytes)}\r\n`
const bearer = async (server: TestServer, user: string) => `Bearer ${await server.token(['viewer'], user)}`

async function ask(server: TestServer, user: string, padding: number): Promise<number> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: await bearer(server, user) },
    body: JSON.stringify({ query: '{ viewer { userId } }', extensions: { padding: 'x'.repeat(padding) } }),
  })
  await response.arrayBuffer()
  return response.status
}

describe('a body in chunks, whose length nobody knows', () => {
  test('is not read without a token', async () => {
    const server = await startServer(makeFolder())
    const before = process.memoryUsage().arrayBuffers
    const open = Array.from({ length: 100 }, () => openRaw(server.url, head('POST /graphql', CHUNKED) + chunk(500_000)))
    for (const { closed } of open) expect(statuses(await closed)).toEqual([401])
    // 50 MB were sent
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(25 << 20)
  })

  test('ends where a body may be no longer', async () => {
    const server = await startServer(makeFolder())
    const authorization = await bearer(server, 'ann')
    const endless = openRaw(server.url, head('POST /graphql', { ...CHUNKED, authorization }))
    const send = (): void => {
      while (!endless.socket.destroyed && endless.socket.write(chunk(50_000)));
      endless.socket.once('drain', send)
    }
    send()
    expect(statuses(await endless.closed)).toEqual([413])
  })

  test('fills the share of its own user alone', async () => {
    const server = await startServer(makeFolder())
    const authorization = await bearer(server, 'bob')
    const size = 500_000
    // one more than may be held of a user
    const count = Math.ceil(LIMITS.userReceivedBytes.value / size)
    const open = Array.from({ length: count }, () =>
      openRaw(server.url, head('POST /graphql', { ...CHUNKED, authorization }) + chunk(size)),
    )
    const refused = await until('one to be refused', () => open.find(({ received }) => received() !== ''))
    expect(statuses(await refused.closed)).toEqual([503])
    expect(refused.received()).toMatch(/retry-after: \d/i)
    expect(refused.received()).toContain('"OVERLOADED"')
    for (const padding of [10, 300_000]) expect(await ask(server, 'ann', padding)).toBe(200)
    // what was begun and is not finished is forgotten with its connection
    for (const { socket, closed } of open) {
      socket.destroy()
      await closed
    }
    await until('room', async () => ((await ask(server, 'bob', 300_000)) === 200 ? true : undefined))
  })

  test('is answered like any other when it is complete', async () => {
    const server = await startServer(makeFolder())
    const body = JSON.stringify({ query: '{ viewer { userId } }' })
    const authorization = await bearer(server, 'ann')
    const whole = openRaw(
      server.url,
      `${head('POST /graphql', { ...CHUNKED, authorization, connection: 'close' })}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    )
    expect(await whole.closed).toContain('{"data":{"viewer":{"userId":"ann"}}}')
  })
})
