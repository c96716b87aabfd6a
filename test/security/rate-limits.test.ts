import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { loadMadeSecret } from '../../src/access/secret.ts'
import { signToken } from '../../src/access/tokens.ts'
import { request } from '../../src/cli/client.ts'
import { ViewerDocument } from '../../src/cli/generated.ts'
import { sendBatch } from '../../src/cli/send-records.ts'
import { startRedis } from '../support/redis-setup.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { openSocket, subscribe } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const INGEST =
  'mutation ($records: [TokenRecordInput!]!) { ingestTokenRecords(input: { records: $records }) { accepted } }'

const recordsOf = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => ({
    sessionId: 's',
    project: 'p',
    model: 'claude-sonnet-4-5',
    occurredAt: '2026-04-01T10:00:00.000Z',
    messageId: `m-${from + n}`,
    tokens: { input: '1', output: '1' },
  }))

async function post(
  server: TestServer,
  body: object,
  user = 'ann',
  roles: Parameters<TestServer['token']>[0] = ['viewer'],
) {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await server.token(roles, user)}` },
    body: JSON.stringify(body),
  })
  const { data, errors } = (await response.json()) as {
    data?: unknown
    errors?: { message: string; extensions: Record<string, unknown> }[]
  }
  return { status: response.status, retryAfter: response.headers.get('retry-after'), data, error: errors?.[0] }
}

const VIEWER = { query: '{ viewer { userId } }' }

/** Refused as a whole, with when to come back. */
function expectRefused({ status, retryAfter, data, error }: Awaited<ReturnType<typeof post>>): void {
  expect([status, data ?? null]).toEqual([429, null])
  const seconds = Number(retryAfter)
  expect(seconds).toBeGreaterThan(0)
  expect(seconds).toBeLessThanOrEqual(60)
  expect(error?.extensions).toEqual({ code: 'RATE_LIMITED', retryable: true, retryAfterSeconds: seconds })
}

describe('a flood of one caller', () => {
  test('of questions is refused by what they cost, and nobody else is', async () => {
    const server = await startServer(makeFolder(), { RATE_COST_PER_MINUTE: '1000' })
    const answers = []
    for (let n = 0; n < 6; n++) answers.push(await post(server, VIEWER))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429, 429])
    expectRefused(answers.at(-1) as (typeof answers)[number])
    expect((await post(server, VIEWER, 'bob')).status).toBe(200)
    const metrics = await fetch(`${server.url}/metrics`, {
      headers: { authorization: `Bearer ${await server.token(['scraper'], 'prometheus')}` },
    })
    expect(await metrics.text()).toContain('token_bridge_rate_limited_total{budget="cost"} 2')
  })

  test('pays for what questions have cost in fact, not for the usual length of lists', async () => {
    const server = await startServer(makeFolder(), { RATE_COST_PER_MINUTE: '8000' })
    const query = '{ tokenMetrics { sessions(first: 500) { edges { node { id project } } } } }'
    for (let n = 0; n < 20; n++) expect((await post(server, { query })).status).toBe(200)
  })

  test('of documents that are no good is refused, too', async () => {
    const server = await startServer(makeFolder(), { RATE_COST_PER_MINUTE: '1000' })
    for (let n = 0; n < 5; n++) expect((await post(server, { query: `{ nothing${n} }` })).status).toBe(400)
    expectRefused(await post(server, VIEWER))
  })

  test('of records is refused before anything of a call is kept', async () => {
    const server = await startServer(makeFolder(), { RATE_RECORDS_PER_MINUTE: '50' })
    const ingest = (count: number, user: string, from: number) =>
      post(server, { query: INGEST, variables: { records: recordsOf(count, from) } }, user, ['ingester'])
    expect(await ingest(30, 'ann', 0)).toMatchObject({ status: 200, data: { ingestTokenRecords: { accepted: 30 } } })
    expectRefused(await ingest(30, 'ann', 30))
    expect((await ingest(20, 'ann', 60)).status).toBe(200)
    expect((await ingest(40, 'bob', 100)).status).toBe(200)
    const { data } = await post(server, { query: '{ tokenMetrics { tokens { total } } }' })
    expect(data).toEqual({ tokenMetrics: { tokens: { total: String(2 * (30 + 20 + 40)) } } })
  })

  test('of bytes is refused before a body is read', async () => {
    const server = await startServer(makeFolder(), { RATE_BYTES_PER_MINUTE: '20000' })
    const large = { ...VIEWER, extensions: { filling: 'x'.repeat(15_000) } }
    expect((await post(server, large)).status).toBe(200)
    expectRefused(await post(server, large))
    expect((await post(server, VIEWER)).status).toBe(200)
    expect((await post(server, large, 'bob')).status).toBe(200)
  })

  test('over WebSocket is told so in an error of the subscription, and the socket stays', async () => {
    const settings = { RATE_COST_PER_MINUTE: '500', RATE_BYTES_PER_MINUTE: '20000' }
    const server = await startServer(makeFolder(), settings)
    const follow = (id: string, filling = '') =>
      subscribe(id, `subscription { migrationProgressed(id: "1") { id } } # ${filling}`)
    const refusal = (id: string) => ({
      id,
      type: 'error',
      payload: [{ extensions: { code: 'RATE_LIMITED', retryable: true, retryAfterSeconds: expect.any(Number) } }],
    })
    const ann = await openSocket(server.url, await server.token(['operator']))
    for (const id of ['1', '2', '3']) ann.send(follow(id))
    await until('the refusal', () => ann.messages.find(({ id }) => id === '3'))
    expect(ann.messages.find(({ id }) => id === '3')).toMatchObject(refusal('3'))
    expect(ann.socket.readyState).toBe(ann.socket.OPEN)
    const bob = await openSocket(server.url, await server.token(['operator'], 'bob'))
    bob.send(follow('1', 'x'.repeat(25_000)))
    expect(await until('the refusal', () => bob.messages.find(({ id }) => id === '1'))).toMatchObject(refusal('1'))
  })
})

describe('instances with one Redis', () => {
  test('share the budget of a caller, and count by themselves once it is gone', async () => {
    const { url, stop } = await startRedis()
    onTestFinished(stop)
    const settings = { RATE_COST_PER_MINUTE: '1000', REDIS_URL: url }
    const [one, other] = [await startServer(makeFolder(), settings), await startServer(makeFolder(), settings)]
    const redis = new Redis(url)
    redis.on('error', () => undefined)
    onTestFinished(() => redis.disconnect())
    const key = 'token-bridge:used:cost:ann'
    for (let n = 0; n < 4; n++) expect((await post(one, VIEWER)).status).toBe(200)
    await until('it to be told', async () => (Number(await redis.get(key)) > 800 ? true : undefined))
    expect(await redis.pttl(key)).toBeGreaterThan(0)
    // the first one passes: what others have counted is heard of in the background
    expect((await post(other, VIEWER)).status).toBe(200)
    await until('it to be heard', async () => ((await post(other, VIEWER)).status === 429 ? true : undefined))
    stop()
    for (const instance of [one, other]) {
      const statuses = []
      for (let n = 0; n < 5; n++) statuses.push((await post(instance, VIEWER, 'bob')).status)
      expect(statuses).toEqual([200, 200, 200, 200, 429])
    }
  })
})

describe('an instance refuses what was used up at another one', () => {
  const badToken = async (server: TestServer) =>
    fetch(`${server.url}/graphql`, { method: 'POST', headers: { authorization: 'Bearer e30.e30.c2ln' }, body: '' })
  const ingest = (server: TestServer, count: number) =>
    post(server, { query: INGEST, variables: { records: recordsOf(count) } }, 'ann', ['ingester'])

  // what is asked of the other one takes at most a hundredth of the budget: it would not be at its end by itself
  test.each([
    {
      what: 'records',
      settings: { RATE_RECORDS_PER_MINUTE: '1000' },
      use: (server: TestServer) => ingest(server, 500),
      useLittle: (server: TestServer) => ingest(server, 1),
    },
    {
      what: 'bytes',
      settings: { RATE_BYTES_PER_MINUTE: '402000' },
      use: (server: TestServer) => post(server, { ...VIEWER, extensions: { filling: 'x'.repeat(100_000) } }),
      useLittle: (server: TestServer) => post(server, VIEWER),
    },
    {
      what: 'failed logins',
      settings: { RATE_FAILED_LOGINS: '300' },
      use: badToken,
      useLittle: badToken,
    },
  ])('$what', async ({ settings, use, useLittle }) => {
    const { url, stop } = await startRedis()
    onTestFinished(stop)
    const start = () => startServer(makeFolder(), { ...settings, REDIS_URL: url })
    const [one, other] = [await start(), await start()]
    while ((await use(one)).status !== 429);
    let uses = 0
    await until('it to be heard', async () => (++uses && (await useLittle(other)).status === 429 ? true : undefined))
    expect(uses).toBeLessThan(100)
  })
})

describe('the CLI', () => {
  test('waits as long as it is told, and goes on by itself', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const server = await startServer(makeFolder(), { RATE_RECORDS_PER_MINUTE: '50' })
    const secret = loadMadeSecret(join(server.folder, 'data'))
    const token = await signToken(secret, { userId: 'ann', roles: ['ingester'] }, 3600)
    const waited: number[] = []
    const wait = async (seconds: number): Promise<void> => {
      waited.push(seconds)
      vi.setSystemTime(Date.now() + seconds * 1000)
    }
    for (let n = 0; n < 3; n++) {
      const batch = recordsOf(40, 40 * n).map((record, index) => ({ record, place: `line ${index}` }))
      const sent = await sendBatch(batch, `key ${n}`, { server: server.url, token, wait })
      expect(sent).toEqual({ accepted: 40, mistakes: [] })
    }
    expect(waited).toHaveLength(2)
    for (const seconds of waited) expect(seconds).toBeGreaterThan(50)
  })

  test('tells when to come back', async () => {
    const server = await startServer(makeFolder(), { RATE_COST_PER_MINUTE: '1' })
    const options = { server: server.url, token: await server.token(['viewer']) }
    await request(ViewerDocument, {}, options)
    await expect(request(ViewerDocument, {}, options)).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      retryable: true,
      retryAfterSeconds: expect.any(Number),
    })
  })
})
