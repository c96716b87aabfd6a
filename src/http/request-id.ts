import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** The caller's id, so that a line can be found on both sides, if it is harmless; else a new one. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID()
}
