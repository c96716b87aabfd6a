// Frames that are no messages: pings, pongs, and fragments of nothing cost as much to read, and were counted nowhere.
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/domain/limits.ts'
import { startServer } from '../support/server.ts'
import { openSocket, startSmallSubscriptions, subscribe, type TestSocket } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

/** The connection below a WebSocket. */
const connectionOf = ({ socket }: TestSocket) =>
  (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket
const frame = (opcode: number, payload = Buffer.alloc(0)): Buffer =>
  Buffer.concat([Buffer.from([opcode, 0x80 | payload.length]), Buffer.alloc(4), payload])
/** A message in so many parts, of which all but the last hold nothing. */
const inParts = (text: string, parts: number): Buffer =>
  Buffer.concat([frame(0x01), ...Array.from({ length: parts }, () => frame(0x00)), frame(0x80, Buffer.from(text))])

describe('frames that carry no message', () => {
  test.each([
    ['pings', frame(0x89, randomBytes(125))],
    ['pongs', frame(0x8a, randomBytes(125))],
    ['parts of messages', inParts('{"type":"ping"}', 10)],
  ])('count for the user whose they are, as %s do', async (_what, bytes) => {
    const server = await startServer(makeFolder(), { RATE_BYTES_PER_MINUTE: '5000' })
    const ann = await openSocket(server.url, await server.token(['viewer']))
    for (let sent = 0; sent < 5000; sent += bytes.length) connectionOf(ann).write(bytes)
    await until('it to count', async () =>
      (await server.ask('{ viewer { userId } }')).status === 429 ? true : undefined,
    )
    expect((await server.ask('{ viewer { userId } }', {}, ['viewer'], { user: 'bob' })).status).toBe(200)
    // who goes on is cut off, and not let in again for a while; who is quiet is not
    expect(ann.socket.readyState).toBe(ann.socket.OPEN)
    const again = await openSocket(server.url, await server.token(['viewer']))
    expect(await again.closed).toMatchObject({ code: 1013, reason: expect.stringContaining('bytes were sent') })
    const more = frame(0x00, randomBytes(120))
    connectionOf(ann).write(frame(0x01))
    for (let sent = 0; sent <= LIMITS.socketMessageBytes.value; sent += more.length) connectionOf(ann).write(more)
    expect((await ann.closed).code).toBe(1013)
  })

  test('end the socket where there are many more of them than messages, whatever a user may send', async () => {
    const { url, token } = await startSmallSubscriptions()
    const open = await openSocket(url, await token())
    const parts = inParts('{"type":"ping"}', 10_000)
    for (let n = 0; n < 10; n++) connectionOf(open).write(parts)
    expect(await open.closed).toEqual({ code: 1008, reason: 'too many frames' })
  })

  test('are none of those that messages of the largest size come in', async () => {
    const { url, token } = await startSmallSubscriptions()
    const open = await openSocket(url, await token())
    const text = JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(LIMITS.socketMessageBytes.value - 100) } })
    for (let n = 0; n < 50; n++) open.socket.send(text)
    open.send(subscribe('1', 'subscription { fails }'))
    await until('the answer after them', () => open.messages.find(({ id }) => id === '1'))
    expect(open.messages.filter(({ type }) => type === 'pong')).toHaveLength(50)
  })
})
