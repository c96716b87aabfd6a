import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { printToken } from '../../src/cli/token.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

const now = Math.floor(Date.now() / 1000)
const GOOD = { sub: 'ann', roles: ['viewer'], iss: 'token-bridge', iat: now, exp: now + 600 }
const ODD_NAMES = [
  '',
  '\ud800',
  'an\udc00n',
  'ann\n',
  'a\0b',
  '\u007f',
  '\u202enna',
  'ann\u200f',
  'a\u2028b',
  'x'.repeat(201),
]

describe('the claims of a token that is signed by the secret', () => {
  test('are checked like any input: what is not of the right kind is no token', async () => {
    const server = await startServer(makeFolder())
    const secret = Buffer.from(readFileSync(join(server.folder, 'data', 'auth-jwt-secret'), 'utf8').trim())
    const told = async (claims: Record<string, unknown>) => {
      const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(secret)
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: '{ viewer { userId } }' }),
      })
      const body = (await response.json()) as { errors?: { extensions: { code: string } }[] }
      return [response.status, body.errors?.[0]?.extensions.code]
    }
    expect(await told(GOOD)).toEqual([200, undefined])
    expect(await told({ ...GOOD, sub: 'Ännchen 🐦' })).toEqual([200, undefined])
    const wrong: Record<string, unknown>[] = [
      ...ODD_NAMES.map((sub) => ({ sub })),
      ...[{}, { length: 3 }, ['ann'], 5, true, null].map((sub) => ({ sub })),
      ...['viewer', {}, null, [['viewer']], [{}], ['root'], { 0: 'viewer', length: 1 }].map((roles) => ({ roles })),
      ...[String(now + 600), null, {}, [now + 600]].map((exp) => ({ exp })),
      ...['now', null, {}].map((iat) => ({ iat })),
      ...[{}, 5, 'other'].map((iss) => ({ iss })),
      { nbf: 'x' },
      { nbf: now + 600 },
    ]
    for (const claims of wrong)
      expect(await told({ ...GOOD, ...claims }), JSON.stringify(claims)).toEqual([401, 'UNAUTHENTICATED'])
    expect(server.log()).not.toContain('a request failed')
  })

  test('are not signed for a user whose name nobody could read', async () => {
    for (const user of ODD_NAMES)
      await expect(printToken({ user, roles: 'viewer', ttl: '1h' }), JSON.stringify(user)).rejects.toThrow('--user')
  })
})
