import { once } from 'node:events'
import { expect, test } from 'vitest'
import { turnOf } from '../../src/turns/event-loop.ts'
import { head, openRaw } from '../support/raw-connection.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

/** Longer than slices may share a turn of the event loop. */
const SLICE_MS = 6

function spin(): void {
  const end = performance.now() + SLICE_MS
  while (performance.now() < end);
}

test('for a client that went away while its request waited for its turn nothing is done', async () => {
  const server = await startServer(makeFolder())
  const ingest = (session: string): string => `ingestTokenRecords(input: { records: [{
    sessionId: "${session}", project: "p", model: "m", occurredAt: "2026-04-02T09:15:03Z", tokens: { input: "1", output: "1" }
  }] }) { accepted }`
  const body = JSON.stringify({ query: `mutation { ${ingest('gone')} }` })
  const asked = head('POST /graphql', {
    authorization: `Bearer ${await server.token(['ingester', 'viewer'])}`,
    'content-type': 'application/json',
    'content-length': body.length,
  })
  const count = '{ tokenMetrics { recordCount } }'
  // what the same user has asked for before: it goes on until the client is gone
  let isGone = false
  const earlier = async (): Promise<void> => {
    while (!isGone) {
      await turnOf('ann')
      spin()
    }
  }
  const busy = Array.from({ length: 50 }, earlier)
  const { socket, closed } = openRaw(server.url, asked + body)
  await once(socket, 'connect')
  // it is read, its sender is known, and it waits behind the others
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  socket.end()
  await closed
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  isGone = true
  await Promise.all(busy)
  // the same user's next request comes after it, so what it did would be there before
  await server.ask(`mutation { ${ingest('later')} }`, {}, ['ingester'])
  const { data } = await server.ask(count)
  expect(data.tokenMetrics.recordCount).toBe('1')
})
