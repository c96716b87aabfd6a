import { describe, expect, test } from 'vitest'
import { CLOCK_TOLERANCE_SECONDS } from '../../src/access/authenticator.ts'
import { LIMITS } from '../../src/domain/limits.ts'
import { startServer } from '../support/server.ts'
import { openSocket, startSmallSubscriptions, subscribe } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const REFUSED = {
  type: 'error',
  payload: [{ message: 'too many subscriptions: end one first', extensions: { code: 'OVERLOADED', retryable: true } }],
}

describe('a flood', () => {
  test('of subscriptions over one socket gets as many as are allowed, and an error for each of the rest', async () => {
    const { url, token, following } = await startSmallSubscriptions()
    const { messages, send } = await openSocket(url, await token())
    const most = LIMITS.subscriptionsOfSocket.value
    for (let n = 0; n < most + 10; n++) send(subscribe(`s${n}`))
    const refused = await until('the refusals', () => (messages.length === 11 ? messages.slice(1) : undefined))
    for (const message of refused) expect(message).toMatchObject(REFUSED)
    expect(following()).toBe(most)
    // one that ends makes room for one
    send({ id: 's0', type: 'complete' })
    await until('the end', () => (following() === most - 1 ? true : undefined))
    send(subscribe('again'))
    await until('the next', () => (following() === most ? true : undefined))
  })

  test('of subscriptions over many sockets of one user is no better, and leaves others alone', async () => {
    const { url, token, following } = await startSmallSubscriptions()
    const mine = await token('bob')
    const most = LIMITS.subscriptionsOfUser.value
    const each = LIMITS.subscriptionsOfSocket.value
    for (let opened = 0; opened < most; opened += each) {
      const { send } = await openSocket(url, mine)
      for (let n = 0; n < each; n++) send(subscribe(`s${n}`))
    }
    await until('all', () => (following() === most ? true : undefined))
    const more = await openSocket(url, mine)
    more.send(subscribe('more'))
    expect(await until('the refusal', () => more.messages[1])).toMatchObject(REFUSED)
    const other = await openSocket(url, await token('ann'))
    other.send(subscribe('mine'))
    await until('the other', () => (following() === most + 1 ? true : undefined))
  })

  test('of sockets of one user ends with the allowed number, at once, and leaves others alone', async () => {
    const { url, token } = await startSmallSubscriptions()
    const mine = await token('bob')
    const open = await Promise.all(Array.from({ length: LIMITS.socketsOfUser.value }, () => openSocket(url, mine)))
    const more = await openSocket(url, mine)
    expect(await more.closed).toEqual({ code: 1013, reason: 'too many connections' })
    expect((await openSocket(url, await token('ann'))).messages).toHaveLength(1)
    open[0]?.socket.close()
    await open[0]?.closed
    await until('room', async () => ((await openSocket(url, mine)).messages.length === 1 ? true : undefined))
  })

  test('of sockets of many users ends with the number that is set', async () => {
    const server = await startServer(makeFolder(), { MAX_WEBSOCKETS: '2' })
    const open = async (user: string) => openSocket(server.url, await server.token(['viewer'], user))
    const [first] = [await open('ann'), await open('bob')]
    expect(await (await open('cid')).closed).toEqual({ code: 1013, reason: 'too many connections' })
    first.socket.close()
    await first.closed
    await until('room', async () => ((await open('cid')).messages.length === 1 ? true : undefined))
  })

  test.each([
    ['messages', (socket: { send(text: string): void }) => socket.send('{"type":"ping"}')],
    ['pings', (socket: { ping(): void }) => socket.ping()],
    ['pongs', (socket: { pong(): void }) => socket.pong()],
  ])('of %s is cut off', async (_what, send) => {
    const { url, token } = await startSmallSubscriptions()
    const { socket, closed } = await openSocket(url, await token())
    for (let n = 0; n < 5000; n++) send(socket)
    // of pings that come all at once ws itself ends the connection, without a word
    expect([1006, 1008]).toContain((await closed).code)
  })

  test('of long documents and long ids costs little', async () => {
    const { url, token, following } = await startSmallSubscriptions()
    const long = await openSocket(url, await token())
    long.send(subscribe('1', `subscription { ${'told '.repeat(10_000)} }`))
    expect(await until('the refusal', () => long.messages[1])).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    })
    long.send(subscribe('x'.repeat(LIMITS.subscriptionId.value + 1)))
    expect(await long.closed).toEqual({ code: 4400, reason: 'the id is too long' })
    const twice = await openSocket(url, await token())
    const id = 'y'.repeat(LIMITS.subscriptionId.value)
    twice.send(subscribe(id))
    await until('the first', () => following() || undefined)
    twice.send(subscribe(id))
    expect((await twice.closed).code).toBe(4409)
  })
})

describe('a subscription', () => {
  test('gives nothing after the end of its token, and its socket is closed', async () => {
    const { url, token, tell, following } = await startSmallSubscriptions()
    // good for 2 seconds, with those that clocks may differ
    const { messages, send, closed } = await openSocket(url, await token('ann', 2 - CLOCK_TOLERANCE_SECONDS))
    send(subscribe('s'))
    await until('the subscription', () => following() || undefined)
    tell('before')
    await until('the message', () => messages[1])
    const ended = closed.then(() => true)
    // told all the time: whatever comes in time may be given, nothing that comes after
    let lastToldInTime = 0
    const expiresAt = (Math.floor(Date.now() / 1000) + 2) * 1000
    for (let n = 1; !(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 5, false))])); n++) {
      if (Date.now() < expiresAt) lastToldInTime = n
      tell(String(n))
    }
    expect(await closed).toEqual({ code: 4401, reason: expect.stringMatching(/^the token expired at \d{4}-/) })
    const given = messages.slice(2).map(({ payload }) => Number((payload as { data: { told: string } }).data.told))
    expect(given.at(-1)).toBeLessThanOrEqual(lastToldInTime)
    await until('its end', () => (following() === 0 ? true : undefined))
  })

  test('that fails inside does not tell what happened there', async () => {
    const { url, token } = await startSmallSubscriptions()
    const { messages, send } = await openSocket(url, await token())
    send(subscribe('s', 'subscription { fails }'))
    const error = await until('the error', () => messages.find(({ type }) => type === 'error'))
    expect(error).toMatchObject({ payload: [{ message: 'internal error' }] })
    expect(JSON.stringify(messages)).not.toContain('secret')
  })
})
