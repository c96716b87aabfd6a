import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { BridgeError } from '../../../src/domain/errors.ts'
import { LIMITS } from '../../../src/domain/limits.ts'
import { createAddresses } from '../../../src/http/address.ts'
import { createBodyRoom } from '../../../src/http/body-room.ts'
import { createKeys } from '../../../src/http/kept-key.ts'
import type { AnsweredRequest } from '../../../src/http/logged-requests.ts'
import { type ShortWayOptions, takeShortWay } from '../../../src/http/short-way.ts'
import { createWholeBodies } from '../../../src/http/whole-bodies.ts'
import { NO_BOUNDS } from '../../support/no-bounds.ts'
import { head, openRaw, statuses } from '../../support/raw-connection.ts'

const PAYLOAD = Buffer.from('{"data":"½"}')
const ASKED = JSON.stringify({ query: '{ tokenMetrics { recordCount } }' })
const SIGNED_IN = { principal: { userId: 'ann', roles: ['viewer'], access: [] }, token: {}, expiresAt: 0 }
const KEPT = {
  payload: PAYLOAD.toString('latin1'),
  headers: { 'content-type': 'application/json', etag: '"tag"' },
}

/** Whom nothing is wrong with, and a response that is kept for each question. */
function options(): ShortWayOptions {
  const notes = { answers: [], errors: [] }
  return {
    draining: { cameLate: () => false },
    callers: {
      headers: { 'x-frame-options': 'DENY' },
      judge: async () => ({ kind: 'caller', cors: {}, signedIn: SIGNED_IN }) as never,
    },
    bodies: createWholeBodies({ room: createBodyRoom(), addressOf: () => 'here', budget: NO_BOUNDS.bytes }),
    begin: async () => undefined,
    responses: { keyOf: createKeys(), has: () => true, again: async () => KEPT as never, keep: () => undefined },
    note: () => undefined,
    addresses: createAddresses([]),
    createContext: (principal) => ({ notes, principal }) as never,
  }
}

interface Ways {
  url: string
  /** What came to Fastify's way, as it could be read there. */
  passedOn: string[]
}

/** A server with a short way, whose other way says 418 to everything. */
async function serve(changed: Partial<ShortWayOptions> = {}): Promise<Ways> {
  const passedOn: string[] = []
  const other = async (request: IncomingMessage, response: import('node:http').ServerResponse): Promise<void> => {
    passedOn.push(`${request.method} ${request.url} ${await textOf(request)}`)
    response.writeHead(418).end()
  }
  const server = createServer(other)
  takeShortWay(server, other, { ...options(), ...changed })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, passedOn }
}

const post = (headers: Record<string, string | number> = {}, body = ASKED): string =>
  head('POST /graphql', { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers }) +
  body
const LAST = { connection: 'close' }

test('what is kept is sent with all that belongs to an answer, and noted once', async () => {
  const noted: AnsweredRequest[] = []
  const { url, passedOn } = await serve({ note: (answered) => void noted.push(answered) })
  const ask = (headers: Record<string, string>) => fetch(`${url}/graphql`, { method: 'POST', headers, body: ASKED })
  const answer = await ask({ 'x-request-id': 'mine' })
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(PAYLOAD)
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'application/json',
    'content-length': String(PAYLOAD.length),
    'x-frame-options': 'DENY',
    'x-request-id': 'mine',
  })
  for (const tags of ['W/"tag"', '"another", "tag"', '*']) {
    const same = await ask({ 'if-none-match': tags })
    expect([tags, same.status, await same.text()]).toEqual([tags, 304, ''])
  }
  expect(passedOn).toEqual([])
  expect(noted).toMatchObject([
    { id: 'mine', method: 'POST', route: '/graphql', path: '/graphql', status: 200, principal: { userId: 'ann' } },
    { status: 304 },
    { status: 304 },
    { status: 304 },
  ])
})

test('requests of one connection that come at once are answered in their order', async () => {
  const { url, passedOn } = await serve()
  const received = await openRaw(url, post() + head('GET /elsewhere', {}) + post() + post(LAST)).closed
  expect(statuses(received)).toEqual([200, 418, 200, 200])
  expect(passedOn).toEqual(['GET /elsewhere '])
})

const refused = new BridgeError('RATE_LIMITED', 'too much')
const NO_ROOM = createBodyRoom()
const TAKEN = Array.from({ length: LIMITS.smallWorkBytes.value / 1024 }, () => NO_ROOM.work.take('ann', 1024))

test.each<[string, Partial<ShortWayOptions>]>([
  ['the server ends', { draining: { cameLate: () => true } }],
  ...(['misled', 'page', 'open', 'preflight', 'stranger', 'scraper'] as const).map(
    (kind): [string, Partial<ShortWayOptions>] => [
      `it is judged ${kind}`,
      { callers: { headers: {}, judge: async () => ({ kind, cors: {}, signedIn: SIGNED_IN }) as never } },
    ],
  ),
  ['it cannot be judged', { callers: { headers: {}, judge: () => Promise.reject(new Error('planted')) } }],
  [
    'its user has sent too much',
    {
      bodies: createWholeBodies({
        room: createBodyRoom(),
        addressOf: () => 'here',
        budget: { ...NO_BOUNDS.bytes, refusal: () => refused },
      }),
    },
  ],
  [
    'there is no room for it',
    { bodies: createWholeBodies({ room: NO_ROOM, addressOf: () => 'here', budget: NO_BOUNDS.bytes }) },
  ],
  ['its token was revoked while it waited', { begin: async () => refused }],
  ['nothing is kept', { responses: { ...options().responses, has: () => false } }],
  ['what is kept does not hold', { responses: { ...options().responses, again: async () => undefined } }],
  ['that cannot be found out', { responses: { ...options().responses, again: () => Promise.reject(new Error()) } }],
])('a request goes the other way as it was where %s', async (_, changed) => {
  const { url, passedOn } = await serve(changed)
  expect(TAKEN.every((end) => end !== undefined)).toBe(true)
  expect(statuses(await openRaw(url, post() + post(LAST)).closed)).toEqual([418, 418])
  expect(passedOn).toEqual([`POST /graphql ${ASKED}`, `POST /graphql ${ASKED}`])
})

test.each([
  ['of another path', head('POST /graphql/', { ...LAST, 'content-length': 0 })],
  ['that is changed on its way to a path', head('POST http://here/graphql', { ...LAST, 'content-length': 0 })],
  ['by another method', head('PUT /graphql', { ...LAST, 'content-length': 0 })],
  ['by GET with a body', `${head('GET /graphql?query=x', { ...LAST, 'content-length': 1 })}x`],
  ['in chunks', `${head('POST /graphql', { ...LAST, 'transfer-encoding': 'chunked' })}2\r\n{}\r\n0\r\n\r\n`],
  ['that is no JSON', post(LAST, '{')],
  ['that is long', post(LAST, JSON.stringify('x'.repeat(LIMITS.smallRequestBytes.value)))],
])('a request %s goes the other way', async (_, request) => {
  const { url, passedOn } = await serve()
  expect(statuses(await openRaw(url, request).closed)).toEqual([418])
  expect(passedOn.length).toBe(1)
})

test('a body that comes after its head goes the other way whole', async () => {
  const { url, passedOn } = await serve()
  const whole = post(LAST)
  const { socket, closed } = openRaw(url, whole.slice(0, -10))
  await once(socket, 'connect')
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  socket.write(whole.slice(-10))
  expect(statuses(await closed)).toEqual([418])
  expect(passedOn).toEqual([`POST /graphql ${ASKED}`])
})

test('for a client that is gone nothing is looked for', async () => {
  const noted: AnsweredRequest[] = []
  const begin = async () => 'gone' as const
  const responses = { ...options().responses, again: () => Promise.reject(new Error('looked for')) }
  const { url, passedOn } = await serve({ begin, responses, note: (answered) => void noted.push(answered) })
  expect(statuses(await openRaw(url, post(LAST)).closed)).toEqual([499])
  expect(noted).toMatchObject([{ status: 499, notes: null }])
  expect(passedOn).toEqual([])
})

test('a client that goes while its answer is looked for ends nothing', async () => {
  const looking = Promise.withResolvers<void>()
  const found = Promise.withResolvers<never>()
  const again = () => {
    looking.resolve()
    return found.promise
  }
  const { url } = await serve({ responses: { ...options().responses, again } })
  const { socket, closed } = openRaw(url, post())
  await looking.promise
  socket.resetAndDestroy()
  await closed
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  found.resolve(KEPT as never)
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  expect(statuses(await openRaw(url, post(LAST)).closed)).toEqual([200])
})

test('a question that is not answered this way is not counted twice', async () => {
  const used: number[] = []
  const bodies = createWholeBodies({
    room: createBodyRoom(),
    addressOf: () => 'here',
    budget: { ...NO_BOUNDS.bytes, add: (_, bytes) => void used.push(bytes) },
  })
  const answered = await serve({ bodies })
  await openRaw(answered.url, post(LAST)).closed
  expect(used).toEqual([ASKED.length])
  const passed = await serve({ bodies, begin: async () => refused })
  await openRaw(passed.url, post(LAST)).closed
  expect(used.reduce((sum, bytes) => sum + bytes)).toBe(ASKED.length)
})
