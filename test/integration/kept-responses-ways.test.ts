import { describe, expect, test } from 'vitest'
import { head, openRaw, statuses } from '../support/raw-connection.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { small } from '../support/small-transcripts.ts'
import { until } from '../support/until.ts'

// The short way answers a question that comes in one piece; one in chunks is read by Fastify.

const QUESTION = 'query Whole { tokenMetrics { recordCount provenance { cache } } }'
const BODY = JSON.stringify({ query: QUESTION })

type Way = 'short' | 'long'

interface Answer {
  status: number
  /** Lines of the head that do not tell of the moment, in one order. */
  head: string[]
  body: string
}

interface More {
  token?: string
  headers?: Record<string, string>
}

async function ask(server: TestServer, way: Way, { token, headers = {} }: More = {}): Promise<Answer> {
  const asked = head('POST /graphql', {
    authorization: `Bearer ${token ?? (await server.token(['viewer']))}`,
    'content-type': 'application/json',
    connection: 'close',
    ...headers,
    ...(way === 'short' ? { 'content-length': BODY.length } : { 'transfer-encoding': 'chunked' }),
  })
  const body = way === 'short' ? BODY : `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`
  const received = await openRaw(server.url, asked + body).closed
  const [lines = '', text = ''] = received.split('\r\n\r\n')
  return {
    status: statuses(received)[0] ?? 0,
    head: lines
      .split('\r\n')
      .filter((line) => !/^(date|x-request-id):/i.test(line))
      .map((line) => line.toLowerCase())
      .sort(),
    body: text,
  }
}

async function figure(server: TestServer, name: string): Promise<number> {
  const headers = { authorization: `Bearer ${await server.token(['scraper'])}` }
  const text = await (await fetch(`${server.url}/metrics`, { headers })).text()
  const line = text.split('\n').find((one) => one.startsWith(name))
  return Number(line?.split(' ').at(-1) ?? 0)
}
const sentAgain = (server: TestServer) => figure(server, 'token_bridge_responses_sent_again_total')

/** Both are sent as they were kept from here on, while nothing changes. */
async function whenKept(server: TestServer): Promise<void> {
  await until('both ways to send what is kept', async () => {
    const before = await sentAgain(server)
    await ask(server, 'short')
    await ask(server, 'long')
    return (await sentAgain(server)) === before + 2 || undefined
  })
}

describe.each<Way>(['short', 'long'])('by the %s way', (way) => {
  test('a response that is kept is counted, logged, paid for and refused as any', async () => {
    const server = await startServer(small(), {
      RATE_BYTES_PER_MINUTE: String(100 * BODY.length),
      CORS_ORIGINS: 'https://pages.example',
    })
    await whenKept(server)
    const count = 'token_bridge_http_request_duration_seconds_count{route="/graphql",method="POST",status="200"'
    const before = [await figure(server, count), await sentAgain(server), server.log().split('\n').length]
    const origin = 'https://pages.example'
    const answer = await ask(server, way, { headers: { origin, 'x-request-id': 'the-one' } })
    expect(answer.head).toContain(`access-control-allow-origin: ${origin}`)
    const after = [await figure(server, count), await sentAgain(server)]
    expect(after).toEqual([(before[0] ?? 0) + 1, (before[1] ?? 0) + 1])
    const lines = server
      .log()
      .split('\n')
      .filter((line) => line.includes('"the-one"'))
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { msg: 'request', reqId: 'the-one', method: 'POST', path: '/graphql', status: 200, user: 'ann', cache: 'HIT' },
    ])
    const refusals: [string, More, number][] = [
      ['another name', { headers: { host: 'evil.example' } }, 403],
      ['a page elsewhere', { headers: { origin: 'https://evil.example' } }, 403],
      ['no token of ours', { token: 'a.b.c' }, 401],
      ['a scraper', { token: await server.token(['scraper']) }, 403],
    ]
    for (const [name, more, status] of refusals)
      expect([name, (await ask(server, way, more)).status]).toEqual([name, status])
    expect(await sentAgain(server)).toBe(after[1])
    const last = await until('the budget of bytes to be used up', async () => {
      const { status, head: lines } = await ask(server, way)
      return status === 200 ? undefined : [status, lines.some((line) => line.startsWith('retry-after:'))]
    })
    expect(last).toEqual([429, true])
  })

  test('nothing that is kept is sent to a token that was revoked', async () => {
    const server = await startServer(small())
    await whenKept(server)
    const token = await server.token(['viewer'], 'bob')
    expect((await ask(server, way, { token })).status).toBe(200)
    const revoke = 'mutation { revokeAccess(userId: "bob", reason: "a drill") }'
    const { errors } = await server.ask(revoke, {}, ['operator'], { user: 'op' })
    expect(errors).toBeUndefined()
    const { status, body } = await ask(server, way, { token })
    expect([status, body.includes('revoked')]).toEqual([401, true])
  })
})

test('both ways send the same bytes with the same head', async () => {
  const server = await startServer(small(), { CORS_ORIGINS: 'https://pages.example' })
  await whenKept(server)
  for (const headers of [{}, { origin: 'https://pages.example' }, { accept: 'application/json' }] as const) {
    const both = await until('answers of the same moment', async () => {
      const before = await sentAgain(server)
      const answers = [await ask(server, 'short', { headers }), await ask(server, 'long', { headers })]
      return (await sentAgain(server)) === before + 2 ? answers : undefined
    })
    expect(both[0]).toEqual(both[1])
  }
})
