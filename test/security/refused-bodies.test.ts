// Bodies that were refused held their bytes until the restart, or ended the process: each by an ordinary viewer.
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/domain/limits.ts'
import { head, openRaw, statuses } from '../support/raw-connection.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

// an error that nobody listens to fails the run: vitest reports it

const JSON_TYPE = 'application/json'
const question = (padding: number): string =>
  JSON.stringify({ query: '{ viewer { userId } }', extensions: { padding: 'x'.repeat(padding) } })

interface Sent {
  user: string
  type?: string
  body: string
}

/** The status, or `undefined` where the connection was closed before it was read. */
async function post(server: TestServer, { user, type = JSON_TYPE, body }: Sent): Promise<number | undefined> {
  const authorization = `Bearer ${await server.token(['viewer'], user)}`
  try {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': type, authorization },
      body,
    })
    await response.arrayBuffer()
    return response.status
  } catch {
    return undefined
  }
}

/** Nothing of theirs is counted any more: as much as a request may have is taken of each of them. */
async function expectRoom(server: TestServer, users: readonly string[]): Promise<void> {
  const body = question(LIMITS.workBytes.value - 1024)
  for (const user of users)
    await until(`room for ${user}`, async () => ((await post(server, { user, body })) === 200 ? true : undefined), 20)
}

describe('what was refused', () => {
  test.each([
    { status: 415, what: 'its type', type: 'application/x-www-form-urlencoded', body: question(50_000) },
    { status: 415, what: 'its type, and is long', type: 'text/csv', body: question(900_000) },
    { status: 413, what: 'its length', type: JSON_TYPE, body: question(1_500_000) },
    { status: 400, what: 'being no JSON', type: JSON_TYPE, body: `{${question(50_000)}` },
    { status: 400, what: 'being no question', type: JSON_TYPE, body: JSON.stringify('x'.repeat(50_000)) },
  ])('for $what ($status) holds nothing, however often', async ({ status, type, body }) => {
    const server = await startServer(makeFolder())
    const seen = new Set<number | undefined>()
    for (const user of ['bob', 'carol'])
      for (let round = 0; round < 40; round++) seen.add(await post(server, { user, type, body }))
    // who is still sending when the connection is closed may see only that
    seen.delete(undefined)
    expect([...seen]).toEqual([status])
    await expectRoom(server, ['bob', 'carol', 'ann'])
  })

  test('in chunks for its type is not read to an end that never comes', async () => {
    const server = await startServer(makeFolder())
    const authorization = `Bearer ${await server.token(['viewer'], 'bob')}`
    const endless = openRaw(
      server.url,
      head('POST /graphql', { 'content-type': 'text/csv', 'transfer-encoding': 'chunked', authorization }),
    )
    const chunk = `c350\r\n${' '.repeat(50_000)}\r\n`
    const send = (): void => {
      while (!endless.socket.destroyed && endless.socket.write(chunk));
      endless.socket.once('drain', send)
    }
    send()
    // not 408: that would be as late as any request may be
    expect(statuses(await endless.closed)).toEqual([415])
    await expectRoom(server, ['bob', 'ann'])
  })
})

describe('a client that resets its connection', () => {
  // how much of the body was sent, and what is waited for before the reset
  const moments = [0, 1, 5_000, 60_000, 400_000, Number.POSITIVE_INFINITY]
  const waits: ((closing: { answered: () => boolean }) => Promise<unknown> | undefined)[] = [
    () => undefined,
    () => new Promise((resolve) => setImmediate(resolve)),
    ({ answered }) => until('an answer', () => answered() || undefined, 0.05).catch(() => undefined),
  ]

  test.each([
    { what: 'of the wrong type', type: 'text/csv', body: ' '.repeat(900_000) },
    { what: 'too long', type: JSON_TYPE, body: ' '.repeat(2_000_000) },
    { what: 'that is no JSON', type: JSON_TYPE, body: `{${question(100_000)}` },
    { what: 'that is in order', type: JSON_TYPE, body: question(400_000) },
  ])('at any moment of a request $what ends nothing and holds nothing', async ({ type, body }) => {
    const server = await startServer(makeFolder())
    for (let round = 0; round < 10; round++)
      for (const moment of moments)
        for (const wait of waits) {
          const user = `user-${round % 2}`
          const authorization = `Bearer ${await server.token(['viewer'], user)}`
          const request = head('POST /graphql', {
            'content-type': type,
            'content-length': body.length,
            authorization,
          })
          const { socket, received, closed } = openRaw(server.url)
          await new Promise<void>((sent) => {
            socket.once('close', () => sent())
            socket.write(request + body.slice(0, moment), () => sent())
          })
          await wait({ answered: () => received() !== '' })
          socket.resetAndDestroy()
          await closed
        }
    await expectRoom(server, ['user-0', 'user-1', 'ann'])
  })
})
