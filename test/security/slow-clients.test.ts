import { subscribe as subscribeChannel, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/domain/limits.ts'
import { head, openRaw } from '../support/raw-connection.ts'
import { startServer } from '../support/server.ts'
import { openSocket, startSmallSubscriptions, subscribe } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

describe('a client that does not read', () => {
  test('what it subscribed to is cut off, and ends', async () => {
    const { url, token, tell, following } = await startSmallSubscriptions()
    const { socket, send } = await openSocket(url, await token())
    for (let n = 0; n < LIMITS.subscriptionsOfSocket.value; n++) send(subscribe(`s${n}`))
    await until('the subscriptions', () => (following() === LIMITS.subscriptionsOfSocket.value ? true : undefined))
    socket.pause()
    const text = 'x'.repeat(1 << 20)
    await until('the end', () => {
      tell(text)
      return following() === 0 || undefined
    })
  })

  test('of its answers over HTTP is not waited for', async () => {
    const server = await startServer(makeFolder())
    const types = 'types { name description fields { name description type { name } args { name description } } }'
    const query = `{ ${['a', 'b', 'c', 'd', 'e', 'f'].map((alias) => `${alias}: __schema { ...T }`).join(' ')} } fragment T on __Schema { ${types} }`
    const body = JSON.stringify({ query })
    const authorization = `Bearer ${await server.token(['viewer'])}`
    const asked =
      head('POST /graphql', { authorization, 'content-type': 'application/json', 'content-length': body.length }) + body
    // who does not read does not notice the end: it is seen at the server's side, which is in this process
    const ended = Promise.withResolvers<void>()
    let opened: Socket | undefined
    const onSocket = (message: unknown): void => {
      const { socket } = message as { socket: Socket }
      opened = socket
      socket.once('close', () => ended.resolve())
    }
    subscribeChannel('net.server.socket', onSocket)
    const { socket } = openRaw(server.url)
    socket.pause()
    await until('the connection', () => opened)
    unsubscribe('net.server.socket', onSocket)
    // complete requests in one go, whose answers are more than the kernel keeps
    socket.write(asked.repeat(Math.floor(60_000 / asked.length)))
    await ended.promise
    expect(opened?.bytesWritten).toBeGreaterThan(100_000)
    expect((await server.ask('{ viewer { userId } }')).status).toBe(200)
  })

  test('but sends a byte now and then is given seconds, not minutes', async () => {
    const server = await startServer(makeFolder())
    const authorization = `Bearer ${await server.token(['viewer'])}`
    const slow = openRaw(
      server.url,
      head('POST /graphql', { authorization, 'content-type': 'application/json', 'content-length': 1000 }),
    )
    const drip = setInterval(() => slow.socket.write(' '), 100)
    expect(await slow.closed).toContain('408')
    clearInterval(drip)
  })
})
