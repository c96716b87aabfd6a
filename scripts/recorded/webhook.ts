// Whoever is to be woken by alerts, as an HTTP listener on this machine.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

export interface Told {
  /** When it came, in milliseconds since 1970. */
  at: number
  /** `Idempotency-Key`: what is sent again has the same. */
  key: string
  event: 'opened' | 'worsened' | 'escalated' | 'closed'
  alert: { id: string; name: string; severity: string; level: number; message: string; runbook: string }
}

export interface Webhook {
  /** For `ALERT_WEBHOOK_URL`. */
  url: string
  /** What was told of the alerts of one name, each once, in order. */
  toldOf(name: string): Told[]
  close(): void
}

export async function openWebhook(): Promise<Webhook> {
  const told = new Map<string, Told>()
  const server = createServer(async (request, response) => {
    const at = Date.now()
    const key = String(request.headers['idempotency-key'])
    const body = (await json(request)) as Pick<Told, 'event' | 'alert'>
    if (!told.has(key)) told.set(key, { at, key, ...body })
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    toldOf: (name) => [...told.values()].filter(({ alert }) => alert.name === name),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
