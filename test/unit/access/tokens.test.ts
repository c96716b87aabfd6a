import { describe, expect, test, vi } from 'vitest'
import { CLOCK_TOLERANCE_SECONDS, createAuthenticator } from '../../../src/access/authenticator.ts'
import { createKnownTokens } from '../../../src/access/known-tokens.ts'
import { parseTtl, signToken } from '../../../src/access/tokens.ts'
import { LIMITS } from '../../../src/domain/limits.ts'

const secret = Buffer.from('x'.repeat(32))

/** The header of a token; it says the role so often that it is long. */
const headerOf = async (userId: string, times: number): Promise<string> =>
  `Bearer ${await signToken(secret, { userId, roles: Array(times).fill('viewer') }, 60)}`

describe('a token', () => {
  test('is remembered while it is used, as long as all that are take so many bytes', async () => {
    const authenticate = createAuthenticator({ secrets: [secret], known: createKnownTokens() })
    const used = await headerOf('ann', 1)
    const unused = await headerOf('bob', 1)
    const first = await authenticate(used)
    const other = await authenticate(unused)
    // more entries than bytes: small ones drive out nobody
    for (let n = 0; n < 1100; n++) await authenticate(await headerOf(`user-${n}`, 1))
    expect(await authenticate(unused)).toBe(other)
    const times = 1000
    const most = Math.ceil(LIMITS.rememberedTokenBytes.value / (await headerOf('x', times)).length)
    for (let n = 0; n < most; n++) {
      await authenticate(await headerOf(`user-${n}`, times))
      expect(await authenticate(used)).toBe(first)
    }
    expect(await authenticate(unused)).not.toBe(other)
  })

  test('takes as many bytes as its scopes do, too', async () => {
    const authenticate = createAuthenticator({ secrets: [secret], known: createKnownTokens() })
    const names = (prefix: string) => Array.from({ length: LIMITS.filterNames.value }, (_, i) => `${prefix}${i}`)
    const access = [{ users: names('u'), projects: names('p') }]
    const scoped = async (userId: string) =>
      `Bearer ${await signToken(secret, { userId, roles: ['viewer'], access }, 60)}`
    const unused = await headerOf('bob', 1)
    const other = await authenticate(unused)
    // their texts alone would leave room for twice as many
    const most = LIMITS.rememberedTokenBytes.value / (2 * (await scoped('x')).length) / 2
    for (let n = 0; n < most; n++) await authenticate(await scoped(`user-${n}`))
    expect(await authenticate(unused)).not.toBe(other)
  })

  test('is good until it expires, also when it was seen before', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const authenticate = createAuthenticator({ secrets: [secret], known: createKnownTokens() })
      const header = `Bearer ${await signToken(secret, { userId: 'ann', roles: ['viewer'] }, 60)}`
      expect(await authenticate(header)).toMatchObject({ principal: { userId: 'ann', roles: ['viewer'] } })
      vi.setSystemTime(Date.now() + 59_000 + CLOCK_TOLERANCE_SECONDS * 1000)
      expect(await authenticate(header)).toMatchObject({ principal: { userId: 'ann', roles: ['viewer'] } })
      vi.setSystemTime(Date.now() + 2000)
      await expect(authenticate(header)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    } finally {
      vi.useRealTimers()
    }
  })

  test('of another secret is refused, however many good ones were seen', async () => {
    const authenticate = createAuthenticator({ secrets: [secret], known: createKnownTokens() })
    for (let n = 0; n < 1100; n++)
      await authenticate(`Bearer ${await signToken(secret, { userId: `user-${n}`, roles: [] }, 60)}`)
    const forged = await signToken(Buffer.from('y'.repeat(32)), { userId: 'user-1', roles: ['operator'] }, 60)
    await expect(authenticate(`Bearer ${forged}`)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})

describe('a duration', () => {
  test.each([
    ['90s', 90],
    ['15m', 900],
    ['1h', 3600],
    ['7d', 604_800],
    ['366d', 31_622_400],
  ])('%s', (text, seconds) => {
    expect(parseTtl(text)).toBe(seconds)
  })
  test.each(['', '0s', '1', 'h', '-1h', '1.5h', '367d', '1w'])('"%s" is none', (text) => {
    expect(parseTtl(text)).toBeUndefined()
  })
})
