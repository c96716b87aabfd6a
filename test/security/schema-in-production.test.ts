import { describe, expect, test } from 'vitest'
import { startServer } from '../support/server.ts'
import { openSocket, subscribe } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const ASKED = '{ __schema { types { name } } }'
const TYPE = '{ __type(name: "Query") { fields { name } } }'

describe('the schema', () => {
  test('is told to nobody in production: neither by POST nor by GET, nor behind a fragment', async () => {
    const server = await startServer(makeFolder(), { NODE_ENV: 'production' })
    const headers = { authorization: `Bearer ${await server.token(['operator'])}`, 'apollo-require-preflight': '1' }
    for (const query of [
      ASKED,
      TYPE,
      `{ ...all } fragment all on Query ${ASKED}`,
      `{ a: viewer { userId } b: ${TYPE.slice(2)}`,
    ]) {
      const { status, errors } = await server.ask(query, {}, ['operator'])
      expect([query, status, errors?.[0]?.extensions.code]).toEqual([query, 400, 'GRAPHQL_VALIDATION_FAILED'])
      const byGet = await fetch(`${server.url}/graphql?query=${encodeURIComponent(query)}`, { headers })
      expect(await byGet.text()).not.toContain('tokenMetrics')
    }
  })

  test('is told to nobody in production over WebSocket, whatever the operation is called', async () => {
    const server = await startServer(makeFolder(), { NODE_ENV: 'production' })
    const { messages, send } = await openSocket(server.url, await server.token(['operator']))
    const asked = [
      ASKED,
      `subscription ${ASKED}`,
      `subscription ${TYPE}`,
      `mutation ${ASKED}`,
      'subscription { migrationProgres(id: "1") { id } }',
    ]
    for (const [id, query] of asked.entries()) send(subscribe(String(id), query))
    const answers = await until('the answers', () =>
      messages.length === asked.length + 1 ? messages.slice(1) : undefined,
    )
    for (const answer of answers) {
      expect(answer).toMatchObject({ type: 'error' })
      expect(JSON.stringify(answer)).not.toMatch(/did you mean|migrationProgressed/i)
    }
  })
})
