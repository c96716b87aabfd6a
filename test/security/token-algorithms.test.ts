import { existsSync } from 'node:fs'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { post } from '../support/graphql-client.ts'
import { makeKey, startKeyServer } from '../support/key-server.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

/** Long enough for every algorithm of its kind. */
const SECRET = 'a secret of enough bytes for HS512, which wants twice as many as HS256'
const ISSUER = 'https://login.example'
const AUDIENCE = 'token-bridge.example'
const now = Math.floor(Date.now() / 1000)
const CLAIMS = {
  sub: 'ann',
  roles: ['viewer'],
  access: [{}],
  iss: ISSUER,
  aud: ['other.example', AUDIENCE],
  iat: now,
  exp: now + 600,
}

const told = async ({ url }: TestServer, token: string): Promise<[number, string | undefined]> => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: '{ viewer { userId } }' }),
  })
  const { errors } = (await response.json()) as { errors?: { extensions: { code: string } }[] }
  return [response.status, errors?.[0]?.extensions.code]
}
const REFUSED = [401, 'UNAUTHENTICATED']

async function scene() {
  const keys = {
    RS256: await makeKey('RS256', 'rsa'),
    ES256: await makeKey('ES256', 'ec'),
    EdDSA: await makeKey('EdDSA', 'ed'),
    PS256: await makeKey('PS256', 'pss'),
    ES384: await makeKey('ES384', 'ec384'),
  }
  const { url } = await startKeyServer(...Object.values(keys))
  const server = await startServer(makeFolder(), {
    AUTH_JWT_SECRET: SECRET,
    AUTH_JWKS_URL: url,
    AUTH_ISSUER: ISSUER,
    AUTH_AUDIENCE: AUDIENCE,
  })
  const bySecret = (claims: Record<string, unknown>, alg = 'HS256', key: string = SECRET) =>
    new SignJWT(claims).setProtectedHeader({ alg, kid: 'rsa' }).sign(Buffer.from(key))
  return { keys, server, bySecret }
}

describe('a token', () => {
  test('is taken by the algorithms that were agreed on, and by no other one', async () => {
    const { keys, server, bySecret } = await scene()
    for (const name of ['RS256', 'ES256', 'EdDSA'] as const)
      expect(await told(server, await keys[name].sign(CLAIMS)), name).toEqual([200, undefined])
    expect(await told(server, await bySecret(CLAIMS))).toEqual([200, undefined])
    for (const name of ['PS256', 'ES384'] as const)
      expect(await told(server, await keys[name].sign(CLAIMS)), name).toEqual(REFUSED)
    for (const alg of ['HS384', 'HS512']) expect(await told(server, await bySecret(CLAIMS, alg)), alg).toEqual(REFUSED)
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const alg of ['none', 'NONE', '', undefined])
      expect(await told(server, `${part({ alg })}.${part(CLAIMS)}.x`), alg).toEqual(REFUSED)
  })

  test('is not taken where a public key was used as the secret', async () => {
    const { keys, server, bySecret } = await scene()
    const { n = '', ...rest } = keys.RS256.published
    for (const published of [n, JSON.stringify({ n, ...rest })])
      expect(await told(server, await bySecret(CLAIMS, 'HS256', published))).toEqual(REFUSED)
  })

  test('is not taken where it brings its own key along', async () => {
    const { server } = await scene()
    const own = await makeKey('ES256', 'ec')
    for (const header of [
      {},
      { jwk: own.published },
      { jku: 'http://127.0.0.1:1/keys' },
      { x5u: 'http://127.0.0.1:1' },
    ])
      expect(await told(server, await own.sign(CLAIMS, header)), Object.keys(header)[0]).toEqual(REFUSED)
  })

  test('is signed by nobody here where there are keys of others alone', async () => {
    const key = await makeKey('EdDSA', 'ed')
    const { url } = await startKeyServer(key)
    const folder = makeFolder()
    const made = await (await startServer(folder)).token(['operator'])
    const server = await startServer(folder, {
      DATA_DIR: `${folder}/data-2`,
      AUTH_JWKS_URL: url,
      AUTH_ISSUER: ISSUER,
      AUTH_AUDIENCE: AUDIENCE,
    })
    const operator = await key.sign({ ...CLAIMS, roles: ['operator'] })
    expect(await told(server, operator)).toEqual([200, undefined])
    expect(await told(server, made)).toEqual(REFUSED)
    const query = 'mutation { createMachineToken(input: { userId: "x", roles: ["viewer"] }) { token } }'
    expect((await post(server.url, operator, { query })).errors?.[0]?.extensions.code).toBe('CONFLICT')
    expect(server.app.signInUrl).toBeUndefined()
    expect(existsSync(`${folder}/data-2/auth-jwt-secret`)).toBe(false)
  })

  test('names its issuer and its audience, whoever signed it', async () => {
    const { keys, server, bySecret } = await scene()
    for (const wrong of [{ iss: 'https://other.example' }, { iss: undefined }, { aud: 'other' }, { aud: undefined }])
      for (const sign of [keys.ES256.sign, bySecret])
        expect(await told(server, await sign({ ...CLAIMS, ...wrong })), JSON.stringify(wrong)).toEqual(REFUSED)
    // its own do
    expect((await server.ask('{ viewer { userId } }')).status).toBe(200)
  })

  test('may be a few seconds early or late, as clocks are, and no more', async () => {
    const { keys, server } = await scene()
    const sign = (claims: Record<string, unknown>) => keys.ES256.sign({ ...CLAIMS, ...claims })
    const seconds = () => Math.floor(Date.now() / 1000)
    expect(await told(server, await sign({ iat: seconds() + 3, nbf: seconds() + 3 }))).toEqual([200, undefined])
    expect(await told(server, await sign({ exp: seconds() - 1 }))).toEqual([200, undefined])
    for (const wrong of [{ nbf: seconds() + 60 }, { iat: seconds() + 60 }, { exp: seconds() - 10 }])
      expect(await told(server, await sign(wrong)), JSON.stringify(wrong)).toEqual(REFUSED)
  })

  test('of a key of others sees what it says, and nothing where it says nothing', async () => {
    const { keys, server, bySecret } = await scene()
    const { access, ...without } = CLAIMS
    const records = async (token: string) => {
      const { data } = await post(server.url, token, { query: '{ tokenMetrics { recordCount } }' })
      return Number(data.tokenMetrics.recordCount)
    }
    const all = await records(await bySecret(without))
    expect(all).toBeGreaterThan(0)
    expect(await records(await keys.ES256.sign({ ...CLAIMS, access: [{}] }))).toBe(all)
    for (const claims of [without, { ...CLAIMS, access: [] }, { ...CLAIMS, access: [{ users: ['nobody'] }] }])
      expect(await records(await keys.ES256.sign(claims))).toBe(0)
    expect(await records(await bySecret({ ...CLAIMS, access: [{ users: ['nobody'] }] }))).toBe(0)
    for (const odd of ['all', {}, [{ users: null }], [{ user: ['ann'] }], [{ users: 'ann' }], [['ann']], [null]])
      expect(await told(server, await keys.ES256.sign({ ...CLAIMS, access: odd })), JSON.stringify(odd)).toEqual(
        REFUSED,
      )
  })
})
