import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { LIMITS } from '../../src/domain/limits.ts'
import { head, openRaw, type RawConnection, statuses } from '../support/raw-connection.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const HERE = '127.0.0.1, ::1'
const OVER = 10

/** WebSockets without a token, each with its own `X-Forwarded-For`; how many of them were sent away for the others. */
async function sentAway(server: TestServer, forwarded: (n: number) => string): Promise<number> {
  let away = 0
  const sockets = Array.from({ length: LIMITS.socketStrangersOfAddress.value + OVER }, (_, n) => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
      headers: { 'x-forwarded-for': forwarded(n) },
    })
    socket.on('error', () => undefined)
    // another code where it showed no token in time
    socket.on('close', (code) => {
      if (code === 1013) away++
    })
    onTestFinished(() => socket.terminate())
    return socket
  })
  await Promise.all(sockets.map((socket) => once(socket, 'close')))
  return away
}

const address = (n: number): string => `198.51.100.${n}`

describe('the address of a client', () => {
  test('is that of its connection, whatever it says, where no proxy is trusted', async () => {
    const server = await startServer(makeFolder())
    expect(await sentAway(server, address)).toBe(OVER)
  })

  test('is that of its connection where another proxy is trusted', async () => {
    const server = await startServer(makeFolder(), { TRUSTED_PROXY: '192.0.2.1, 2001:db8::/32' })
    expect(await sentAway(server, address)).toBe(OVER)
  })

  test('is the one that a trusted proxy saw', async () => {
    const server = await startServer(makeFolder(), { TRUSTED_PROXY: HERE })
    expect(await sentAway(server, address)).toBe(0)
  })

  test('is not the one that a client tells a trusted proxy', async () => {
    const server = await startServer(makeFolder(), { TRUSTED_PROXY: HERE })
    expect(await sentAway(server, (n) => `${address(n)}, 203.0.113.9`)).toBe(OVER)
  })

  test('is that of the first proxy that is not trusted, or of the proxy itself where it tells no address', async () => {
    const server = await startServer(makeFolder(), { TRUSTED_PROXY: `${HERE}, 10.0.0.0/8` })
    expect(await sentAway(server, (n) => `${address(n)}, 203.0.113.9, 10.1.2.3`)).toBe(OVER)
    expect(await sentAway(server, (n) => `unknown-${n}`)).toBe(OVER)
  })
})

describe('behind a trusted proxy', () => {
  test('connections without a token are no fewer than they may be in all', async () => {
    const server = await startServer(makeFolder(), { TRUSTED_PROXY: HERE })
    const idle = Array.from({ length: LIMITS.strangersOfAddress.value + 100 }, () =>
      openRaw(server.url, head('GET /health/live', { connection: 'keep-alive' })),
    )
    let gone = 0
    for (const { closed } of idle) void closed.then(() => gone++)
    await until('all to be answered', () => (idle.every(({ received }) => received() !== '') ? true : undefined))
    expect(gone).toBe(0)
  })

  test('bodies fill the share of their own address', async () => {
    const server = await startServer(makeFolder(), { TRUSTED_PROXY: HERE })
    const size = 500_000
    const ofUser = Math.floor(LIMITS.userReceivedBytes.value / size) - 1
    const users = Math.ceil(LIMITS.addressReceivedBytes.value / (size * ofUser))
    /** Begins bodies of many users, whose ends never come. */
    const begin = async (forwarded: (user: number) => string): Promise<RawConnection[]> => {
      const open: RawConnection[] = []
      for (let user = 0; user < users; user++) {
        const authorization = `Bearer ${await server.token(['viewer'], `user-${user}`)}`
        const headers = {
          authorization,
          'content-type': 'application/json',
          'transfer-encoding': 'chunked',
          'x-forwarded-for': forwarded(user),
        }
        for (let n = 0; n < ofUser; n++)
          open.push(
            openRaw(server.url, `${head('POST /graphql', headers)}${size.toString(16)}\r\n${' '.repeat(size)}\r\n`),
          )
      }
      return open
    }
    const ofOne = await begin(() => address(1))
    const refused = await until('one to be refused', () => ofOne.find(({ received }) => received() !== ''))
    expect(statuses(await refused.closed)).toEqual([503])
    for (const { socket, closed } of ofOne) {
      socket.destroy()
      await closed
    }
    // all are received, and told after some seconds that they were not complete
    const ofMany = await Promise.all((await begin(address)).map(({ closed }) => closed))
    expect(new Set(ofMany.flatMap(statuses))).toEqual(new Set([408]))
  })
})
