import type { IncomingMessage } from 'node:http'
import type { BridgeError } from '../domain/errors.ts'
import { createReceivedBytes, type ReceivedBytes } from './received-bytes.ts'
import { createWorkBytes, type WorkBytes } from './work-bytes.ts'

/** The room for all bodies, by whichever way they come. */
export interface BodyRoom {
  received: ReceivedBytes
  work: WorkBytes
  /** Requests whose user has sent too much, where that was found already: it is counted when it is found. */
  refused: WeakMap<IncomingMessage, BridgeError>
}

export const createBodyRoom = (): BodyRoom => ({
  received: createReceivedBytes(),
  work: createWorkBytes(),
  refused: new WeakMap(),
})
