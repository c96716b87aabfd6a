import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** What somebody who is to be woken got. */
export interface Taken {
  path: string
  key: string
  body: { event?: string; text?: string; alert?: { id: string; name: string; openedAt: string; runbook: string } }
}

export interface AlertHook {
  url: string
  taken: readonly Taken[]
  /** What is answered; how many of those who asked did not wait for it. */
  state: { status: number; headers: Record<string, string>; isSilent: boolean; givenUp: number }
}

/** The machine of a test may have little memory or disk left, which is told, too. */
const ofGuard = (name: string): boolean => name === 'guard_tripped'

/** Takes the alerts that a test is about, and answers as it says. */
export async function startAlertHook(wants = ofGuard): Promise<AlertHook> {
  const taken: Taken[] = []
  const state = { status: 200, headers: {}, isSilent: false, givenUp: 0 }
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as Taken['body']
    if (body.alert !== undefined && !wants(body.alert.name)) return void response.end()
    response.on('close', () => {
      if (!response.writableEnded) state.givenUp++
    })
    taken.push({ path: request.url ?? '', key: String(request.headers['idempotency-key']), body })
    if (!state.isSilent) response.writeHead(state.status, state.headers).end('thanks')
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, taken, state }
}
