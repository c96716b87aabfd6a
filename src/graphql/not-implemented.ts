import { BridgeError } from '../domain/errors.ts'

/** Part of the contract that a later version brings; clients can rely on its shape already. */
export function notImplemented(what: string): never {
  throw new BridgeError('NOT_IMPLEMENTED', `${what} is not available in this version`)
}
