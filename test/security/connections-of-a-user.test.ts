import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished, test } from 'vitest'
import { createAddresses } from '../../src/http/address.ts'
import { watchConnections } from '../../src/http/connections.ts'
import { head, openRaw, statuses } from '../support/raw-connection.ts'
import { until } from '../support/until.ts'

const MOST = 5

/** A server to which each request says by its path whose it is. */
async function openServer(trustedProxies: readonly string[] = []): Promise<string> {
  const server = createServer((request, response) => {
    connections.showed(request.socket, String(request.url))
    response.end()
  })
  const connections = watchConnections(server, createAddresses(trustedProxies), MOST)
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A connection by which this user has asked once. */
async function openAs(url: string, user: string) {
  const connection = openRaw(url)
  let answers = 0
  const ask = async (): Promise<void> => {
    connection.socket.write(head(`GET /${user}`, {}))
    answers++
    await until('an answer', () => statuses(connection.received()).length === answers || undefined)
  }
  await ask()
  return { ...connection, ask }
}

async function openMany(url: string, user: string, count: number) {
  const all: Awaited<ReturnType<typeof openAs>>[] = []
  for (let n = 0; n < count; n++) all.push(await openAs(url, user))
  return all
}

test('of too many connections of one user those go that were used longest ago, and nobody else’s', async () => {
  const url = await openServer()
  const ann = await openAs(url, 'ann')
  const [used, first, second, ...rest] = await openMany(url, 'bob', MOST)
  await used?.ask()
  const last = await openMany(url, 'bob', 2)
  await Promise.all([first?.closed, second?.closed])
  for (const one of [ann, used, ...rest, ...last]) await one?.ask()
})

test('connections of a trusted proxy are everybody’s: however many there are, none goes', async () => {
  const url = await openServer(['127.0.0.1'])
  for (const one of await openMany(url, 'bob', MOST + 2)) await one.ask()
})
