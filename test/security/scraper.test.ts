import { describe, expect, test } from 'vitest'
import { startServer } from '../support/server.ts'
import { openSocket } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'

describe('the role scraper', () => {
  test('reads /metrics and nothing else', async () => {
    const server = await startServer(makeFolder())
    const token = await server.token(['scraper'])
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    expect((await fetch(`${server.url}/metrics`, { headers })).status).toBe(200)
    for (const query of [
      '{ viewer { userId } }',
      '{ __typename }',
      '{ __schema { queryType { name } } }',
      '{ health { state } }',
    ]) {
      const { status, errors } = await server.ask(query, {}, ['scraper'])
      expect([query, status, errors?.[0]?.extensions.code]).toEqual([query, 403, 'FORBIDDEN'])
    }
    expect((await fetch(`${server.url}/nowhere`, { headers })).status).toBe(403)
    expect((await fetch(`${server.url}/graphql/`, { headers })).status).toBe(403)
    const { closed } = await openSocket(server.url, token)
    expect(await closed).toEqual({ code: 4403, reason: 'subscriptions need the role viewer or operator' })
  })

  test('takes nothing away from the other roles of somebody', async () => {
    const server = await startServer(makeFolder())
    expect((await server.ask('{ tokenMetrics { recordCount } }', {}, ['scraper', 'viewer'])).errors).toBeUndefined()
    const headers = { authorization: `Bearer ${await server.token(['viewer'])}` }
    expect((await fetch(`${server.url}/metrics`, { headers })).status).toBe(403)
  })
})
