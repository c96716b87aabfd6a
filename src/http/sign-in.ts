import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Audit } from '../ports/audit.ts'
import type { Budgets } from '../ports/budgets.ts'
import type { Addresses } from './address.ts'
import { GRAPHIQL_PATH } from './graphiql.ts'
import { errorBody, sendError } from './refusals.ts'

/** What lets a browser in, at the address that the start prints. */
export interface SignIn {
  /** Takes the one-time token of that address: a bearer token for the session; `undefined` where it is none, or was used. */
  take(token: string): Promise<string | undefined>
  sessionSeconds: number
  /** Whose session it is. */
  userId: string
}

export interface SignInOptions {
  isTls: boolean
  audit: Pick<Audit, 'note' | 'count'>
  addresses: Addresses
  /** Whoever tries addresses out is counted with those who try tokens. */
  budgets: Pick<Budgets, 'failedLogins'>
}

export const SIGN_IN_PATH = '/sign-in'
const SIGNED_IN = `<!doctype html><meta charset="utf-8"><title>Token Bridge</title>
<p>You are signed in: pages of this server may ask it for you now. One of them is <a href="${GRAPHIQL_PATH}">GraphiQL</a>.</p>
`
const COOKIE = 'token_bridge_session'

/**
 * Sets the session as a cookie that no page can read. Browsers send it along with whatever asks this machine, from any
 * port, so it counts only where the request says that it comes from a page of ours (`sessionOf`).
 */
export function addSignIn(
  fastify: FastifyInstance,
  { take, sessionSeconds, userId: who }: SignIn,
  { isTls, audit, addresses, budgets: { failedLogins } }: SignInOptions,
): void {
  fastify.get<{ Querystring: { token?: unknown } }>(SIGN_IN_PATH, async (request, reply) => {
    const { token } = request.query
    const session = typeof token === 'string' ? await take(token) : undefined
    const from = addresses.of(request.raw)
    if (session === undefined) {
      audit.count({ action: 'sign-in', outcome: 'FORBIDDEN', from })
      const tooMany = failedLogins.refusal(from, 1)
      if (tooMany !== undefined) return sendError(reply, 429, tooMany)
      failedLogins.add(from, 1)
      return reply.code(403).send(errorBody('FORBIDDEN', 'the address was used, or is not the one that was printed'))
    }
    await audit.note({ who, action: 'sign-in', outcome: 'ok', from, request: request.id })
    const secure = isTls ? '; Secure' : ''
    return reply
      .header(
        'set-cookie',
        `${COOKIE}=${session}; Path=/; Max-Age=${sessionSeconds}; HttpOnly; SameSite=Strict${secure}`,
      )
      .header('cache-control', 'no-store')
      .type('text/html; charset=utf-8')
      .send(SIGNED_IN)
  })
}

/** The session's header `Authorization`, where the request comes from a page of ours; `undefined` where there is none. */
export function sessionOf({ cookie = '' }: IncomingHttpHeaders, isOwnPage: boolean): string | undefined {
  if (!isOwnPage) return undefined
  const session = cookie
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${COOKIE}=`))
  return session === undefined ? undefined : `Bearer ${session.slice(COOKIE.length + 1)}`
}
