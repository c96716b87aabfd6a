import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

interface Told {
  status: number
  headers: Record<string, unknown>
  body: { data?: unknown; errors?: { extensions: { code: string; retryable: boolean } }[] }
}

const QUESTION = JSON.stringify({ query: '{ tokenMetrics { tokens { total } } }' })

/** Rejects where the connection is cut off without an answer. */
function ask(url: string, token: string, agent: Agent): Promise<Told> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const sent = request(`${url}/graphql`, { method: 'POST', agent, headers }, (response) => {
      let body = ''
      response.on('data', (chunk) => (body += chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode as number, headers: response.headers, body: JSON.parse(body) }),
      )
    })
    sent.on('error', reject)
    sent.end(QUESTION)
  })
}

describe('a server that is told to stop', () => {
  test('cuts off none of 50 busy connections, and tells each that it goes, in the shape of GraphQL', async () => {
    const server = await startServer(makeFolder())
    const token = await server.token(['viewer'])
    const answers: Told[][] = []
    const clients = Array.from({ length: 50 }, async (_, client) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const mine: Told[] = []
      answers[client] = mine
      do mine.push(await ask(server.url, token, agent))
      while (mine.at(-1)?.status === 200)
    })
    await until('everybody to have been answered', () => answers.every((mine) => mine.length > 2) || undefined)
    await Promise.all([server.close(), ...clients])
    for (const mine of answers) {
      expect(mine.at(-1)).toMatchObject({
        status: 503,
        headers: { connection: 'close', 'retry-after': '1', 'x-content-type-options': 'nosniff' },
        body: { errors: [{ extensions: { code: 'SOURCE_UNAVAILABLE', retryable: true } }] },
      })
      for (const { body } of mine.slice(0, -1)) expect(body.data).toBeDefined()
    }
  })

  test('cuts off none of 50 who connect anew each time, until nobody can connect', async () => {
    const server = await startServer(makeFolder())
    const token = await server.token(['viewer'])
    const served = Array.from({ length: 50 }, () => 0)
    const ends = served.map(async (_, client): Promise<unknown> => {
      for (;;) {
        const agent = new Agent()
        const told = await ask(server.url, token, agent).catch((error: NodeJS.ErrnoException) => error.code)
        if (typeof told !== 'object') return told
        expect([200, 503]).toContain(told.status)
        served[client] = (served[client] ?? 0) + 1
      }
    })
    await until('everybody to have been answered', () => served.every((count) => count > 2) || undefined)
    await server.close()
    expect(new Set(await Promise.all(ends))).toEqual(new Set(['ECONNREFUSED']))
  })

  test('is not ready any more while it still answers what is in flight', async () => {
    const server = await startServer(makeFolder())
    const authorization = `Bearer ${await server.token(['viewer'])}`
    const headers = { authorization, 'content-type': 'application/json', expect: '100-continue' }
    const sent = request(`${server.url}/graphql`, { method: 'POST', headers })
    const answered = once(sent, 'response')
    sent.flushHeaders()
    await once(sent, 'continue')
    const closed = server.close()
    const ready = await fetch(`${server.url}/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'not ready', detail: 'shutting down' }])
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
    sent.end(QUESTION)
    const [response] = await answered
    expect([response.statusCode, response.headers.connection]).toEqual([200, 'close'])
    expect(await text(response)).toContain('"total"')
    await closed
  })
})

describe('the line of a request in the log', () => {
  test('has who asked, by which operation, what answered and why, and the codes of errors; nothing of the question', async () => {
    const server = await startServer(makeFolder())
    await server.ask('query Dashboard { tokenMetrics { tokens { total } } }', {}, ['viewer'], { user: 'bea' })
    await server.ask('query Wrong { tokenMetrics(filter: { from: "2026-02-31T00:00:00Z" }) { recordCount } }')
    await server.ask('{ nothing }')
    const lines = server
      .log()
      .split('\n')
      .filter((line) => line.includes('"msg":"request"'))
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      {
        user: 'bea',
        operation: 'query Dashboard',
        source: 'LEGACY',
        reason: expect.any(String),
        cache: 'MISS',
        status: 200,
      },
      { user: 'ann', operation: 'query Wrong', errors: [expect.any(String)] },
      { user: 'ann', errors: ['GRAPHQL_VALIDATION_FAILED'] },
    ])
    expect(lines[0]).not.toHaveProperty('errors')
    expect(server.log()).not.toContain('2026-02-31')
  })

  test('has the code of what was refused before anything was asked', async () => {
    const server = await startServer(makeFolder())
    const authorization = `Bearer ${await server.token(['viewer'])}`
    await fetch(`${server.url}/graphql?query=${encodeURIComponent('{ __typename }')}`, { headers: { authorization } })
    await fetch(`${server.url}/graphql`, { method: 'POST', body: '{}' })
    await fetch(`${server.url}/nowhere`, { headers: { authorization } })
    const lines = await until('three lines', async () => {
      const found = server
        .log()
        .split('\n')
        .filter((line) => line.includes('"msg":"request"'))
      return found.length === 3 ? found.map((line) => JSON.parse(line)) : undefined
    })
    expect(lines).toMatchObject([
      { status: 400, user: 'ann', errors: ['BAD_REQUEST'] },
      { status: 401, errors: ['UNAUTHENTICATED'] },
      { status: 404, user: 'ann', errors: ['NOT_FOUND'] },
    ])
  })
})
