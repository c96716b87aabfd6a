import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { z } from 'zod'
import { LIMITS } from '../domain/limits.ts'
import { isPlainText } from '../domain/plain-text.ts'
import { ROLES, type TokenHolder } from './roles.ts'
import { ACCESS_CLAIM } from './scopes.ts'

/** Signs what this server signs, and verifies what a secret signed. */
export const SECRET_ALGORITHM = 'HS256'
/** The issuer of tokens where no other one is set. */
export const DEFAULT_ISSUER = 'token-bridge'

/** What a token must say, checked like any other input: whoever signed it may have taken it from somewhere. */
export const CLAIMS = z.object({
  sub: z.string().refine(isUserId),
  roles: z.array(z.enum(ROLES)),
  exp: z.number(),
  iat: z.number(),
  /** Its id. */
  jti: z.string().refine(isUserId).optional(),
  access: ACCESS_CLAIM.optional(),
})

/** Whether a text may be a user's name: 1 to 200 characters, each of which is seen. */
export function isUserId(text: string): boolean {
  return text !== '' && isPlainText(text, LIMITS.nameLength.value)
}

/** Whom tokens name as the one who made them, and the one whom they are for. */
export interface TokenNames {
  /** The first is named by tokens that are made here; each is accepted. */
  issuers?: readonly string[]
  /** Absent: none is asked for. */
  audience?: string | undefined
}

/** What else a token says. */
export interface TokenOptions extends TokenNames {
  /** Its id; one of its own, where it is absent. */
  id?: string
}

/**
 * Signs a bearer token (JWT, HS256) that lasts `ttlSeconds`. When it was issued is told to the millisecond: revocations
 * take what was issued before them.
 */
export function signToken(
  secret: Uint8Array,
  { userId, roles, access }: TokenHolder,
  ttlSeconds: number,
  { issuers = [DEFAULT_ISSUER], audience, id = randomUUID() }: TokenOptions = {},
): Promise<string> {
  const now = Date.now() / 1000
  const token = new SignJWT(access === undefined ? { roles } : { roles, access })
    .setProtectedHeader({ alg: SECRET_ALGORITHM })
    .setIssuer(issuers[0] ?? DEFAULT_ISSUER)
    .setSubject(userId)
    .setJti(id)
    .setIssuedAt(now)
    .setExpirationTime(Math.floor(now) + ttlSeconds)
  if (audience !== undefined) token.setAudience(audience)
  return token.sign(secret)
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
