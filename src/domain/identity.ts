import { hash } from 'node:crypto'

/** Bytes of the SHA-256 of an identity that stand for it: 128 bits, so that two never meet by chance. */
export const IDENTITY_BYTES = 16

/**
 * The identity of a token record (rule 7): copies with the same identity are counted once, across all
 * files, sessions and projects. Each kind has a prefix of its own, so that kinds never collide.
 */
export interface IdentityParts {
  messageId: string | undefined
  requestId: string | undefined
  uuid: string | undefined
  session: string
  /** Milliseconds since 1970. */
  time: number
}

/** Shorter message ids that do not begin with `msg_` are a gateway's: it answers every call with the same one. */
const MIN_UNIQUE_LENGTH = 16

/** The identity, or `undefined` where it must be made from the line itself (`lineIdentity`). */
export function identityOf(parts: IdentityParts): string | undefined {
  const { messageId, requestId, uuid, session, time } = parts
  if (messageId === undefined) return uuid === undefined ? undefined : `uuid:${uuid}`
  if (isUniqueMessageId(messageId)) return messageIdentity(messageId)
  // the lengths keep parts with a separator in them apart
  if (requestId !== undefined) return `request:${messageId.length}:${messageId}:${requestId}`
  return `moment:${messageId.length}:${messageId}:${session}:${time}`
}

/** Whether a message id is globally unique, so that it alone is the identity. */
export function isUniqueMessageId(messageId: string): boolean {
  return messageId.startsWith('msg_') || messageId.length >= MIN_UNIQUE_LENGTH
}

/** The identity of a record with a globally unique message id. */
export function messageIdentity(messageId: string): string {
  return `message:${messageId}`
}

/** The identity of a record whose line names none. `lineHash` is a hash of the line's bytes. */
export function lineIdentity(session: string, lineHash: string, offset: number): string {
  return `line:${session}:${lineHash}:${offset}`
}

/** The identity of the n-th entry of `usage.iterations[]`, an advisor's answer, of the record that asked. */
export function advisorIdentity(identity: string, n: number): string {
  return `advisor:${identity}:advisor:${n}`
}

/** The identity of a record that came by mutation without a message id. */
export function submittedIdentity(caller: string, key: string, index: number): string {
  return `submitted:${caller.length}:${caller}:${key.length}:${key}:${index}`
}

/**
 * The identity of a record that came by mutation with a message id that is not unique: gateways of two users answer with
 * the same one. `identity` is what it would be in a transcript.
 */
export function ownedIdentity(user: string, identity: string): string {
  return `owned:${user.length}:${user}:${identity}`
}

/** What stands for an identity wherever records are kept: 32 hexadecimal digits. */
export function identityDigest(identity: string): string {
  return hash('sha256', identity, 'hex').slice(0, IDENTITY_BYTES * 2)
}
