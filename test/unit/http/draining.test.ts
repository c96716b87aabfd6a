import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createDraining } from '../../../src/http/draining.ts'

test('a request that came before the end began is not late, however long it waits before it is worked on', async () => {
  const server = createServer()
  const draining = createDraining(server)
  const came: ServerResponse[] = []
  const waiting = new Map<number, () => void>()
  const comes = (count: number): Promise<void> => new Promise((resolve) => void waiting.set(count, resolve))
  server.on('request', (_request, response) => waiting.get(came.push(response))?.())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const [first, second] = [comes(1), comes(2)]
  const early = fetch(url)
  await first
  const drained = draining.drain(60_000)
  const late = fetch(url)
  await second
  expect(came.map((response) => draining.cameLate(response))).toEqual([false, true])

  came[0]?.end('answered')
  await draining.whenToRefuse(came[1] as ServerResponse)
  came[1]?.writeHead(503).end()
  expect(await (await early).text()).toBe('answered')
  expect((await late).status).toBe(503)
  await drained
})
