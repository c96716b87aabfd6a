import { expect, test } from 'vitest'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

test.each([
  ['lists', '[', ']'],
  ['objects', '{"a":', '}'],
])(
  'a request whose variables are %s within each other, as deep as it may be, is a mistake and no failure',
  async (_, open, close) => {
    const server = await startServer(makeFolder())
    const authorization = `Bearer ${await server.token(['viewer'])}`
    const levels = Math.floor(15_000 / (open.length + close.length))
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: `{"query":"{__typename}","variables":{"x":${open.repeat(levels)}${open === '[' ? '' : '1'}${close.repeat(levels)}}}`,
    })
    expect(response.status).toBeLessThan(500)
    expect(server.log()).not.toContain('a request failed')
  },
)
