import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { run } from '../support/cli.ts'
import { makeFolder } from '../support/transcripts.ts'

const EXPLAINED = {
  decision: { source: 'LEGACY', reason: 'ROLLOUT' },
  text: 'LEGACY (ROLLOUT): row 8 of 8',
  facts: [{ name: 'there is a database', value: 'yes' }],
}

/** What `source` with these arguments asks a bridge, and how it ends. */
async function askedBy(args: readonly string[]) {
  const asked: { variables: unknown }[] = []
  const bridge = createServer(async (request, response) => {
    asked.push((await json(request)) as { variables: unknown })
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data: { explainDecision: EXPLAINED } }))
  })
  await once(bridge.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void bridge.close())
  const server = `http://127.0.0.1:${(bridge.address() as AddressInfo).port}`
  const ended = await run(['source', '--server', server, '--token', 'a.b.c', ...args], makeFolder())
  return { ended, asked: asked.map(({ variables }) => variables) }
}

test.each([
  ['a date', ['2026-04-01'], '2026-04-01T00:00:00.000Z'],
  ['a date without lines', ['20260401'], '2026-04-01T00:00:00.000Z'],
  ['a date of a time zone', ['2026-04-01', '--time-zone', 'Europe/Berlin'], '2026-03-31T22:00:00.000Z'],
  ['a moment', ['2026-04-01T09:00:00+02:00'], '2026-04-01T07:00:00.000Z'],
])('--since of source is %s, as that of analyze', async (_, since, from) => {
  const { ended, asked } = await askedBy(['--user', 'ann', '--since', ...since])
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('row 8 of 8') })
  expect(asked).toEqual([{ userId: 'ann', filter: { from } }])
})

test.each([
  ['--since "yesterday" is neither a date', ['--user', 'ann', '--since', 'yesterday']],
  ['--since "2026-02-30" is neither a date', ['--user', 'ann', '--since', '2026-02-30']],
  ['--time-zone "Moon" is not an IANA time zone', ['--user', 'ann', '--since', '2026-04-01', '--time-zone', 'Moon']],
  ['--since wants --user', ['--since', '2026-04-01']],
])('source says %s, and asks nobody', async (stderr, args) => {
  const { ended, asked } = await askedBy(args)
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(stderr) })
  expect(asked).toEqual([])
})
