import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Authenticate, createAuthenticator } from '../../src/access/authenticator.ts'
import { createKeySet } from '../../src/access/key-sets.ts'
import { createKnownTokens } from '../../src/access/known-tokens.ts'
import { signToken } from '../../src/access/tokens.ts'
import { type KeyServer, makeKey, type SigningKey, startKeyServer } from '../support/key-server.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

const OLD = 'the secret of last year, long enough'
const NEW = 'the secret of this year, long enough'
const ANN = { userId: 'ann', roles: ['viewer'] } as const

afterEach(() => void vi.useRealTimers())

describe('the secret that signs', () => {
  const statusOf = async (settings: Record<string, string>, token: string): Promise<number> => {
    const { url } = await startServer(makeFolder(), settings)
    const headers = { authorization: `Bearer ${token}`, 'apollo-require-preflight': '1' }
    return (await fetch(`${url}/graphql?query={viewer{userId}}`, { headers })).status
  }

  test('is replaced without a moment in which a good token is refused', async () => {
    const old = await signToken(Buffer.from(OLD), ANN, 60)
    const next = await signToken(Buffer.from(NEW), ANN, 60)
    const both = await startServer(makeFolder(), { AUTH_JWT_SECRET: `${NEW}, ${OLD}` })
    const made = await both.token(['viewer'])
    for (const token of [old, next, made])
      expect(await statusOf({ AUTH_JWT_SECRET: `${NEW}, ${OLD}` }, token)).toBe(200)
    // instances are restarted one by one: those of before know the new one already
    for (const token of [old, next]) expect(await statusOf({ AUTH_JWT_SECRET: `${OLD},${NEW}` }, token)).toBe(200)
    expect(await statusOf({ AUTH_JWT_SECRET: NEW }, made)).toBe(200)
    expect(await statusOf({ AUTH_JWT_SECRET: NEW }, old)).toBe(401)
  })

  test('may have commas: tokens from before it could be a list stay good', async () => {
    const short = 'one secret, with a comma in its middle'
    const long = `${OLD},${NEW}`
    for (const secret of [short, long])
      expect(await statusOf({ AUTH_JWT_SECRET: secret }, await signToken(Buffer.from(secret), ANN, 60))).toBe(200)
    expect(await statusOf({ AUTH_JWT_SECRET: short }, await signToken(Buffer.from('one secret'), ANN, 60))).toBe(401)
  })
})

const SECOND = 1000
const MINUTE = 60 * SECOND

/** Time goes on at once; connections and their deadlines take what they take. */
function pass(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

function startClock(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
}

const claims = () => {
  const now = Math.floor(Date.now() / 1000)
  return { sub: 'ann', roles: ['viewer'], access: [{}], iss: 'token-bridge', iat: now, exp: now + 86_400 }
}

function checks(...servers: KeyServer[]) {
  const problems: (string | undefined)[] = []
  const keySets = servers.map(({ url }) => createKeySet(url, (problem) => problems.push(problem)))
  const authenticate = createAuthenticator({ secrets: [], keySets, known: createKnownTokens() })
  /** As is done every 30 s. */
  const askAgain = () => Promise.allSettled(keySets.map((set) => set.ask()))
  return { authenticate, askAgain, problems }
}

const code = async (authenticate: Authenticate, key: SigningKey): Promise<string> => {
  const token = await key.sign(claims())
  return authenticate(`Bearer ${token}`).then(
    () => 'good',
    (error) => error.code,
  )
}

describe('the keys of others', () => {
  test('rotate: a new one counts at once, one that is gone when they are asked for again', async () => {
    startClock()
    const [old, next] = [await makeKey('ES256', 'old'), await makeKey('ES256', 'next')]
    const server = await startKeyServer(old)
    const { authenticate, askAgain } = checks(server)
    expect(await code(authenticate, old)).toBe('good')
    pass(10 * SECOND)
    server.publish(old, next)
    expect(await code(authenticate, next)).toBe('good')
    expect(await code(authenticate, old)).toBe('good')
    server.publish(next)
    pass(6 * MINUTE)
    await askAgain()
    expect(await code(authenticate, old)).toBe('UNAUTHENTICATED')
    expect(await code(authenticate, next)).toBe('good')
  })

  test('come from several places, and may have one name in two of them, or none', async () => {
    const [here, there] = [await makeKey('RS256', 'same'), await makeKey('RS256', 'same')]
    const [one, two] = [await makeKey('ES256', 'one'), await makeKey('ES256', 'two')]
    const { authenticate } = checks(await startKeyServer(here), await startKeyServer(there, one, two))
    for (const key of [here, there]) expect(await code(authenticate, key)).toBe('good')
    for (const key of [one, two]) {
      const unnamed = await key.sign(claims(), { kid: undefined })
      expect((await authenticate(`Bearer ${unnamed}`)).principal.userId).toBe('ann')
    }
  })

  test('go on counting for an hour while nobody gives them, and are told to be missing after it', async () => {
    startClock()
    const key = await makeKey('EdDSA', 'ed')
    const server = await startKeyServer(key)
    const { authenticate, askAgain, problems } = checks(server)
    expect(await code(authenticate, key)).toBe('good')
    server.answer({ status: 503, body: '' })
    pass(30 * MINUTE)
    await askAgain()
    expect(await code(authenticate, key)).toBe('good')
    expect(problems.at(-1)).toBe(`${server.url}: it answers 503`)
    pass(31 * MINUTE)
    expect(await code(authenticate, key)).toBe('SOURCE_UNAVAILABLE')
    server.answer(undefined)
    // it failed so often that it is left alone for a while
    pass(31 * SECOND)
    expect(await code(authenticate, key)).toBe('good')
    expect(problems.at(-1)).toBeUndefined()
  })

  test('are asked for once in some seconds, however many tokens name keys that nobody knows', async () => {
    startClock()
    const [known, unknown] = [await makeKey('ES256', 'known'), await makeKey('ES256', 'unknown')]
    const server = await startKeyServer(known)
    const { authenticate } = checks(server)
    const flood = () => Promise.all(Array.from({ length: 50 }, () => code(authenticate, unknown)))
    expect(new Set(await flood())).toEqual(new Set(['UNAUTHENTICATED']))
    expect(server.asked()).toBe(1)
    pass(6 * SECOND)
    await flood()
    expect(server.asked()).toBe(2)
    // nor while they are away
    server.answer({ status: 500, body: '' })
    pass(6 * SECOND)
    await flood()
    await flood()
    // three attempts, as the policy says
    expect(server.asked()).toBe(5)
  })

  test.each([
    ['another status', 404, '{"keys":[]}'],
    ['no JSON', 200, '<html>'],
    ['no keys', 200, '{"keys":{}}'],
    ['a megabyte', 200, JSON.stringify({ keys: [], padding: 'x'.repeat(1 << 20) })],
  ])('with %s in their place are none: nobody gets in, and the place is asked seldom', async (_what, status, body) => {
    const key = await makeKey('ES256', 'ec')
    const server = await startKeyServer(key)
    server.answer({ status, body })
    const { authenticate, problems } = checks(server)
    for (let n = 0; n < 20; n++) expect(await code(authenticate, key)).toBe('SOURCE_UNAVAILABLE')
    expect(server.asked()).toBe(1)
    expect(problems).toHaveLength(1)
  })
})
