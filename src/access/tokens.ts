import { jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { isPlainText } from '../domain/plain-text.ts'
import { type Principal, ROLES } from './roles.ts'

const ALGORITHM = 'HS256'
const ISSUER = 'token-bridge'

/** What a token must say, checked like any other input: whoever signed it may have taken it from somewhere. */
const CLAIMS = z.object({
  sub: z.string().refine(isUserId),
  roles: z.array(z.enum(ROLES)),
  exp: z.number(),
  iat: z.number(),
})

/** Whether a text may be a user's name: 1 to 200 characters, each of which is seen. */
export function isUserId(text: string): boolean {
  return text !== '' && isPlainText(text, LIMITS.nameLength.value)
}

/** Signs a bearer token (JWT, HS256) that lasts `ttlSeconds`. */
export function signToken(secret: Uint8Array, principal: Principal, ttlSeconds: number): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({ roles: principal.roles })
    .setProtectedHeader({ alg: ALGORITHM })
    .setIssuer(ISSUER)
    .setSubject(principal.userId)
    .setIssuedAt(now)
    .setExpirationTime(now + ttlSeconds)
    .sign(secret)
}

/** Who asks, until the token ends. */
export interface SignedIn {
  principal: Principal
  /** Milliseconds since 1970. */
  expiresAt: number
}

/**
 * Tells who stands behind an `Authorization` header. Throws UNAUTHENTICATED, never saying what was wrong with the
 * token.
 */
export type Authenticate = (authorization: string | undefined) => Promise<SignedIn>

/** What a verified token takes in memory beside its text, its user's name and its roles. */
const TOKEN_BYTES = 400
/** Bytes of memory that one role of a remembered token takes. */
const ROLE_BYTES = 8

/** A dashboard sends the same token again and again: verified ones are remembered, those that were used lately. */
export function createAuthenticator(secret: Uint8Array): Authenticate {
  const verified = new LRUCache<string, SignedIn>({
    maxSize: LIMITS.rememberedTokenBytes.value,
    sizeCalculation: ({ principal: { userId, roles } }, token) =>
      TOKEN_BYTES + 2 * (token.length + userId.length) + ROLE_BYTES * roles.length,
  })
  return async (authorization) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined)
      throw new BridgeError('UNAUTHENTICATED', 'send a token: Authorization: Bearer … (token-bridge token prints one)')
    const known = verified.get(token)
    if (known !== undefined && known.expiresAt > Date.now()) return known
    verified.delete(token)
    const fresh = await verify(secret, token)
    verified.set(token, fresh)
    return fresh
  }
}

async function verify(secret: Uint8Array, token: string): Promise<SignedIn> {
  try {
    const { payload } = await jwtVerify(token, secret, { algorithms: [ALGORITHM], issuer: ISSUER })
    const { sub, roles, exp } = CLAIMS.parse(payload)
    return { principal: { userId: sub, roles }, expiresAt: exp * 1000 }
  } catch (error) {
    throw new BridgeError('UNAUTHENTICATED', 'the token is invalid or has expired', { cause: error })
  }
}

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }
const MAX_TTL_SECONDS = 366 * 86_400

/** Reads a duration such as `90s`, `15m`, `1h` or `7d` as seconds; `undefined` for anything else, or over a year. */
export function parseTtl(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd])$/.exec(text)
  if (match === null) return undefined
  const seconds = Number(match[1]) * (UNITS[match[2] as string] as number)
  return seconds > 0 && seconds <= MAX_TTL_SECONDS ? seconds : undefined
}
