import { serverAudits } from 'graphql-http'
import { expect, test } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

// The specification's audits, as its working group wrote them, on this server.

/** How many audits there are of each kind, and what each says that did not pass. */
async function audited(server: TestServer, headers: Record<string, string>) {
  const authorization = `Bearer ${await server.token(['viewer'])}`
  const audits = serverAudits({
    url: `${server.url}/graphql`,
    fetchFn: (url: string, init: { headers?: Record<string, string> } = {}) =>
      fetch(url, { ...init, headers: { ...init.headers, ...headers, authorization } }),
  })
  const found = { MUST: 0, SHOULD: 0, MAY: 0, missed: [] as string[] }
  for (const { name, fn } of audits) {
    found[name.split(' ', 1)[0] as 'MUST' | 'SHOULD' | 'MAY']++
    const result = await fn()
    if (result.status !== 'ok') found.missed.push(`${name}: ${result.reason}`)
  }
  return found
}

const OF_GET = [
  'MAY accept application/x-www-form-urlencoded formatted GET requests: Response status code is not 200',
  'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json: Response status code is not 200',
  'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json: Response status code is not 200',
]

test('GraphQL over HTTP is answered as its audits ask, but for a GET that any page could send', async () => {
  const server = await startServer(makeFolder())
  const found = await audited(server, {})
  expect([...found.missed].sort()).toEqual(OF_GET)
  expect(found).toMatchObject({ MUST: 13, SHOULD: 23 })
  // no page elsewhere sends such a header without having asked first
  expect((await audited(server, { 'apollo-require-preflight': 'yes' })).missed).toEqual([])
})

test('a mistake in a question has status 400, but for clients that know application/json alone', async () => {
  const server = await startServer(makeFolder())
  const authorization = `Bearer ${await server.token(['viewer'])}`
  const statusOf = async (accept: string, question: object): Promise<number> => {
    const headers = { authorization, accept, 'content-type': 'application/json' }
    const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body: JSON.stringify(question) })
    expect(((await response.json()) as { errors: unknown[] }).errors).toHaveLength(1)
    return response.status
  }
  const mistakes = [
    { query: '{' },
    { query: '{ nothing }' },
    { query: 'query ($f: TokenFilter) { tokenMetrics(filter: $f) { tokens { total } } }', variables: { f: 1 } },
    { query: 'query A { __typename } query B { __typename }' },
  ]
  for (const mistake of mistakes) {
    expect(await statusOf('application/json', mistake), JSON.stringify(mistake)).toBe(200)
    for (const accept of ['*/*', 'application/graphql-response+json, application/json'])
      expect(await statusOf(accept, mistake), `${accept} ${JSON.stringify(mistake)}`).toBe(400)
  }
  // no mistake of GraphQL's: it is refused, and asks for too much by any client's reading
  const expensive = { query: `{ ${Array.from({ length: 500 }, (_, i) => `v${i}: viewer { userId }`).join(' ')} }` }
  expect(await statusOf('application/json', expensive)).toBe(400)
})
