import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadMadeSecret } from '../../src/access/secret.ts'
import { signToken } from '../../src/access/tokens.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { openSocket } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'

const HERE = '127.0.0.1, ::1'
const MOST = 5

async function show(server: TestServer, token: string | undefined, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.url}/graphql?query={viewer{userId}}`, {
    headers: {
      'apollo-require-preflight': '1',
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  })
  const { errors } = (await response.json()) as {
    errors?: { extensions: { code: string; retryAfterSeconds?: number } }[]
  }
  return { status: response.status, retryAfter: response.headers.get('retry-after'), ...errors?.[0]?.extensions }
}

/** Signed by somebody else. */
const forged = (n: number) =>
  signToken(new TextEncoder().encode(`another secret ${n}`.padEnd(32)), { userId: 'ann', roles: ['operator'] }, 60)

/** Shows as many bad tokens as are told to be bad. */
async function useUp(server: TestServer, headers?: Record<string, string>): Promise<void> {
  for (let n = 0; n < MOST; n++)
    expect(await show(server, n % 2 === 0 ? await forged(n) : 'nonsense', headers)).toMatchObject({ status: 401 })
}

describe('whoever guesses tokens', () => {
  test('is told after some of them to come back later, over HTTP and over WebSocket', async () => {
    const server = await startServer(makeFolder(), { RATE_FAILED_LOGINS: String(MOST) })
    await useUp(server)
    const { status, code, retryAfter, retryAfterSeconds } = await show(server, await forged(9))
    expect([status, code]).toEqual([429, 'RATE_LIMITED'])
    expect(Number(retryAfter)).toBeGreaterThan(800)
    expect(String(retryAfterSeconds)).toBe(retryAfter)
    const { closed } = await openSocket(server.url, await forged(10))
    expect(await closed).toMatchObject({ code: 4401, reason: expect.stringMatching(/try again in \d+ s$/) })
    const metrics = await fetch(`${server.url}/metrics`, {
      headers: { authorization: `Bearer ${await server.token(['scraper'])}` },
    })
    expect(await metrics.text()).toContain('token_bridge_rate_limited_total{budget="failedLogins"} 2')
  })

  test('keeps nobody out who has a good token, from the same address, whether it was seen before or not', async () => {
    const server = await startServer(makeFolder(), { RATE_FAILED_LOGINS: String(MOST) })
    const known = await server.token(['viewer'])
    expect((await show(server, known)).status).toBe(200)
    await useUp(server)
    expect((await show(server, await forged(9))).status).toBe(429)
    expect((await show(server, known)).status).toBe(200)
    expect((await show(server, await server.token(['viewer'], 'bob'))).status).toBe(200)
    const { messages } = await openSocket(server.url, await server.token(['operator'], 'cleo'))
    expect(messages).toEqual([{ type: 'connection_ack' }])
  })

  test('is counted by the address that a trusted proxy saw', async () => {
    const settings = { RATE_FAILED_LOGINS: String(MOST), TRUSTED_PROXY: HERE }
    const server = await startServer(makeFolder(), settings)
    await useUp(server, { 'x-forwarded-for': '198.51.100.1' })
    expect((await show(server, await forged(9), { 'x-forwarded-for': '198.51.100.1' })).status).toBe(429)
    expect((await show(server, await forged(9), { 'x-forwarded-for': '198.51.100.2' })).status).toBe(401)
  })

  test('is counted with whoever tries the addresses that let a browser in', async () => {
    const server = await startServer(makeFolder(), { RATE_FAILED_LOGINS: String(MOST) })
    const signIn = (token: string) => fetch(`${server.url}/sign-in?token=${token}`)
    for (let n = 0; n < MOST; n++) expect((await signIn(`guess-${n}`)).status).toBe(403)
    expect((await signIn('guess')).status).toBe(429)
    expect((await show(server, await forged(9))).status).toBe(429)
    expect((await fetch(server.app.signInUrl as string)).status).toBe(200)
  })
})

test('a token that has expired, was revoked, or is missing, is no guess', async () => {
  const server = await startServer(makeFolder(), { RATE_FAILED_LOGINS: '1' })
  const secret = loadMadeSecret(join(server.folder, 'data'))
  const revoked = await server.token(['viewer'], 'dan')
  const expired = await signToken(secret, { userId: 'ann', roles: ['viewer'] }, -60)
  await server.ask('mutation { revokeAccess(userId: "dan", reason: "left") }', {}, ['operator'])
  for (const token of [undefined, revoked, expired])
    for (let n = 0; n < 3; n++) expect((await show(server, token)).status).toBe(401)
})
