import { jwtVerify, SignJWT } from 'jose'
import { BridgeError } from '../domain/errors.ts'
import { isRole, type Principal, type Role } from './roles.ts'

const ALGORITHM = 'HS256'
const ISSUER = 'token-bridge'
export const MAX_USER_ID = 200

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

/** Tells who stands behind an `Authorization` header. Throws UNAUTHENTICATED, never saying what was wrong with the token. */
export type Authenticate = (authorization: string | undefined) => Promise<Principal>

/** Verified tokens that are remembered: a dashboard sends the same one again and again. */
const MAX_REMEMBERED = 1000

export function createAuthenticator(secret: Uint8Array): Authenticate {
  const verified = new Map<string, { principal: Principal; expiresAt: number }>()
  return async (authorization) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined)
      throw new BridgeError('UNAUTHENTICATED', 'send a token: Authorization: Bearer … (token-bridge token prints one)')
    const known = verified.get(token)
    if (known !== undefined && known.expiresAt > Date.now()) return known.principal
    verified.delete(token)
    const fresh = await verify(secret, token)
    if (verified.size >= MAX_REMEMBERED) verified.clear()
    verified.set(token, fresh)
    return fresh.principal
  }
}

async function verify(secret: Uint8Array, token: string): Promise<{ principal: Principal; expiresAt: number }> {
  try {
    const { payload } = await jwtVerify(token, secret, {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      requiredClaims: ['sub', 'exp', 'iat'],
    })
    const principal = { userId: readUserId(payload.sub), roles: readRoles(payload.roles) }
    return { principal, expiresAt: (payload.exp ?? 0) * 1000 }
  } catch (error) {
    throw new BridgeError('UNAUTHENTICATED', 'the token is invalid or has expired', { cause: error })
  }
}

function readUserId(subject: string | undefined): string {
  if (subject === undefined || subject === '' || subject.length > MAX_USER_ID) throw new Error('no user')
  return subject
}

function readRoles(roles: unknown): Role[] {
  if (!Array.isArray(roles) || !roles.every(isRole)) throw new Error('unknown roles')
  return roles
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
