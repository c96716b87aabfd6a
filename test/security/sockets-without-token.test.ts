import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/domain/limits.ts'
import { head, openRaw, statuses } from '../support/raw-connection.ts'
import { startServer } from '../support/server.ts'
import { openSocket } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

describe('WebSockets that show no token', () => {
  test('never keep anybody out who has one: the oldest of them goes, and the rest after seconds', async () => {
    const server = await startServer(makeFolder())
    const silent = await Promise.all(Array.from({ length: 500 }, () => openSocket(server.url)))
    const open = () => silent.filter(({ socket }) => socket.readyState === socket.OPEN).length
    const early = await openSocket(server.url, await server.token(['operator']))
    expect(early.messages).toEqual([{ type: 'connection_ack' }])
    // a flood goes on, and drives itself out
    await Promise.all(Array.from({ length: 200 }, () => openSocket(server.url)))
    const late = await openSocket(server.url, await server.token(['operator'], 'bob'))
    expect(late.messages).toEqual([{ type: 'connection_ack' }])
    const closed = await Promise.all(silent.map(({ closed }) => closed))
    expect(closed.filter(({ code }) => code === 1013).length).toBeGreaterThanOrEqual(
      500 - LIMITS.socketStrangersOfAddress.value,
    )
    for (const { code } of closed) expect([1013, 4408]).toContain(code)
    expect(open()).toBe(0)
    for (const { socket } of [early, late]) expect(socket.readyState).toBe(socket.OPEN)
  })

  test('get nothing but an end for whatever they say', async () => {
    const { url } = await startServer(makeFolder())
    const early = await openSocket(url)
    early.send({ id: '1', type: 'subscribe', payload: { query: 'subscription { migrationProgressed(id: 1) { id } }' } })
    expect((await early.closed).code).toBe(4401)
    const forged = await openSocket(url, 'a.b.c')
    expect(await forged.closed).toEqual({ code: 4401, reason: expect.stringContaining('not a token of this bridge') })
    const none = await openSocket(url)
    none.send({ type: 'connection_init' })
    expect(await none.closed).toEqual({ code: 4401, reason: expect.stringContaining('no token') })
    const late = await openSocket(url)
    expect(await late.closed).toEqual({ code: 4408, reason: 'Connection initialisation timeout' })
    const large = await openSocket(url)
    large.socket.send('x'.repeat(LIMITS.socketMessageBytes.value + 1))
    expect((await large.closed).code).toBe(1009)
    const nonsense = await openSocket(url)
    nonsense.socket.send('nonsense')
    expect((await nonsense.closed).code).toBe(4400)
  })
})

describe('connections that show no token', () => {
  test('never keep anybody out: of too many from one address the oldest goes', async () => {
    const server = await startServer(makeFolder())
    const count = LIMITS.strangersOfAddress.value + 200
    const idle = Array.from({ length: count }, () =>
      openRaw(server.url, head('GET /health/live', { connection: 'keep-alive' })),
    )
    let gone = 0
    for (const { closed } of idle) void closed.then(() => gone++)
    expect((await server.ask('{ viewer { userId } }')).status).toBe(200)
    const authorization = `Bearer ${await server.token(['operator'])}`
    const known = openRaw(server.url, head('GET /metrics', { authorization }))
    await Promise.all(idle.slice(0, 150).map(({ closed }) => closed))
    expect(gone).toBeLessThan(count - 500)
    await until('the answer', () => (statuses(known.received()).length > 0 ? true : undefined))
    expect(statuses(known.received())).toEqual([200])
    expect(known.socket.destroyed).toBe(false)
  })
})
