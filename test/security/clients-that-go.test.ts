import { expect, test } from 'vitest'
import { turnOf } from '../../src/turns/event-loop.ts'
import { head, openRaw } from '../support/raw-connection.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

/** Longer than slices may share a turn of the event loop. */
const SLICE_MS = 6

function spin(): void {
  const end = performance.now() + SLICE_MS
  while (performance.now() < end);
}

test('for a client that went away while its request waited for its turn nothing is done', async () => {
  const server = await startServer(makeFolder())
  const body = JSON.stringify({
    query: `mutation { ingestTokenRecords(input: { records: [{
      sessionId: "s", project: "p", model: "m", occurredAt: "2026-04-02T09:15:03Z", tokens: { input: "1", output: "1" }
    }] }) { accepted } }`,
  })
  const asked = head('POST /graphql', {
    authorization: `Bearer ${await server.token(['ingester', 'viewer'])}`,
    'content-type': 'application/json',
    'content-length': body.length,
  })
  const count = '{ tokenMetrics { recordCount provenance { sample } } }'
  const before = await server.ask(count)
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
  socket.once('connect', () => socket.end(() => socket.destroy()))
  await closed
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  isGone = true
  await Promise.all(busy)
  await until('the end of the request', () => server.log().includes('"status":499') || undefined)
  expect((await server.ask(count)).data).toEqual(before.data)
})
