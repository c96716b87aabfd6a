import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { BridgeError, isBridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { canonicalScopes, EVERYTHING } from '../domain/scope.ts'
import { sizeOf } from '../domain/size-of.ts'
import { KEY_ALGORITHMS, type KeySet } from './key-sets.ts'
import type { KnownTokens } from './known-tokens.ts'
import type { IssuedToken } from './revocations.ts'
import type { Principal } from './roles.ts'
import { CLAIMS, DEFAULT_ISSUER, SECRET_ALGORITHM, type TokenNames } from './tokens.ts'

/** Who asks, until the token ends. */
export interface SignedIn {
  principal: Principal
  token: IssuedToken
  /** Milliseconds since 1970. */
  expiresAt: number
}

/**
 * Tells who stands behind an `Authorization` header. Throws UNAUTHENTICATED, saying whether there was none, it is none
 * of ours, or it has expired, and when: that is told of what we signed alone. SOURCE_UNAVAILABLE where the keys that it
 * is checked with are not there.
 */
export type Authenticate = (authorization: string | undefined) => Promise<SignedIn>

/** A token that nobody signed whose tokens count. */
class ForgedToken extends BridgeError {
  constructor(message: string, cause?: unknown) {
    super('UNAUTHENTICATED', message, { cause })
  }
}

/** Whether somebody may be guessing: of tokens that have expired or were revoked, one was good before. */
export const isForged = (error: unknown): boolean => error instanceof ForgedToken

/** What tokens are checked by. */
export interface TokenChecks extends TokenNames {
  secrets: readonly Uint8Array[]
  keySets?: readonly KeySet[]
  /** Of revocations. */
  known: KnownTokens
}

/** Seconds that clocks of those who sign may differ from ours. */
export const CLOCK_TOLERANCE_SECONDS = 5
/** A token is verified again after this time: its key may be gone. */
const REMEMBER_MS = 5 * 60_000
/** What a verified token takes in memory beside its text, its user's name, its id, its roles and its scopes. */
const TOKEN_BYTES = 500
/** Bytes of memory that one role of a remembered token takes. */
const ROLE_BYTES = 8

// each has room in the close frame of a WebSocket, which is 123 bytes
const NO_TOKEN =
  'no token: send Authorization: Bearer … (WebSocket: in connectionParams); token-bridge token prints one'
const NO_BEARER = 'not a token of this bridge: Authorization must be the word Bearer, a space, and the token'
const NO_TOKEN_THERE = 'not a token of this bridge: what stands behind Bearer is none; token-bridge token prints one'
const NOT_OURS = 'not a token of this bridge: others signed it, or it is for others'

/** What is told of a token that was good until then, in milliseconds since 1970. */
const expiredMessage = (at: number): string => `the token expired at ${new Date(at).toISOString()}`

/** The same, of one that was let in. */
export const endOf = ({ expiresAt }: SignedIn): string => expiredMessage(expiresAt - CLOCK_TOLERANCE_SECONDS * 1000)

/** A dashboard sends the same token again and again: verified ones are remembered, those that were used lately. */
export function createAuthenticator(checks: TokenChecks): Authenticate {
  const verified = new LRUCache<string, SignedIn>({
    maxSize: LIMITS.rememberedTokenBytes.value,
    ttl: REMEMBER_MS,
    sizeCalculation: ({ principal: { userId, roles, access }, token: { id = '' } }, token) =>
      TOKEN_BYTES + 2 * (token.length + userId.length + id.length + sizeOf(access)) + ROLE_BYTES * roles.length,
  })
  return async (authorization) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1]
    if (authorization === undefined) throw new BridgeError('UNAUTHENTICATED', NO_TOKEN)
    if (token === undefined) throw new ForgedToken(/^Bearer \S/i.test(authorization) ? NO_TOKEN_THERE : NO_BEARER)
    const remembered = verified.get(token)
    if (remembered !== undefined && remembered.expiresAt > Date.now()) {
      checks.known.check(remembered.token)
      return remembered
    }
    verified.delete(token)
    const fresh = await verify(checks, token)
    checks.known.check(fresh.token)
    verified.set(token, fresh)
    return fresh
  }
}

async function verify(checks: TokenChecks, token: string): Promise<SignedIn> {
  try {
    const { alg } = decodeProtectedHeader(token)
    const isOwn = alg === SECRET_ALGORITHM
    const payload = await (isOwn ? verifyBySecret(checks, token) : verifyByKey(checks, token))
    // who signs with our secret may see everything that they do not take away; others say what may be seen
    const { sub, roles, exp, iat, jti, access = isOwn ? EVERYTHING : [] } = CLAIMS.parse(payload)
    if (iat > Date.now() / 1000 + CLOCK_TOLERANCE_SECONDS) throw new Error('it is of the future')
    return {
      principal: { userId: sub, roles, access: canonicalScopes(access) },
      token: { userId: sub, id: jti, issuedAt: (iat - (isOwn ? 0 : CLOCK_TOLERANCE_SECONDS)) * 1000 },
      expiresAt: (exp + CLOCK_TOLERANCE_SECONDS) * 1000,
    }
  } catch (error) {
    if (isBridgeError(error)) throw error
    if (error instanceof errors.JWTExpired)
      throw new BridgeError('UNAUTHENTICATED', expiredMessage(Number(error.payload.exp) * 1000), { cause: error })
    throw new ForgedToken(NOT_OURS, error)
  }
}

const optionsOf = ({ issuers = [DEFAULT_ISSUER], audience }: TokenNames, algorithms: readonly string[]) =>
  ({
    algorithms: [...algorithms],
    issuer: [...issuers],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    ...(audience === undefined ? {} : { audience }),
  }) satisfies JWTVerifyOptions

async function verifyBySecret(checks: TokenChecks, token: string): Promise<JWTPayload> {
  return verifyByOneOf(checks.secrets, token, optionsOf(checks, [SECRET_ALGORITHM]))
}

async function verifyByKey(checks: TokenChecks, token: string): Promise<JWTPayload> {
  const options = optionsOf(checks, KEY_ALGORITHMS)
  const { alg, kid } = decodeProtectedHeader(token)
  // before anybody is asked for keys
  if (alg === undefined || !KEY_ALGORITHMS.includes(alg)) throw new errors.JOSEAlgNotAllowed()
  const asked = (checks.keySets ?? []).map((set) => set.keysFor(kid === undefined ? { alg } : { alg, kid }))
  const found = await Promise.allSettled(asked)
  const keys = found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  try {
    return await verifyByOneOf(keys, token, options)
  } catch (error) {
    const isUnknown = error instanceof errors.JWSSignatureVerificationFailed
    if (!isUnknown || found.every(({ status }) => status === 'fulfilled')) throw error
    throw new BridgeError('SOURCE_UNAVAILABLE', 'the keys that tokens are checked with are not there: try again', {
      cause: error,
    })
  }
}

/** By the key that signed it. Throws what is wrong with the token where one of them did, else that none of them did. */
async function verifyByOneOf(
  keys: readonly (Uint8Array | CryptoKey)[],
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  for (const key of keys) {
    try {
      return (await jwtVerify(token, key, options)).payload
    } catch (error) {
      // it signed what does not count
      if (CLAIM_ERRORS.some((kind) => error instanceof kind)) throw error
    }
  }
  throw new errors.JWSSignatureVerificationFailed()
}

const CLAIM_ERRORS = [errors.JWTClaimValidationFailed, errors.JWTExpired, errors.JWTInvalid]
