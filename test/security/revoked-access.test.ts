import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import { createKnownTokens } from '../../src/access/known-tokens.ts'
import { post } from '../support/graphql-client.ts'
import { head, openRaw } from '../support/raw-connection.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { openSocket } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const SECRET = 'a secret that all instances have in common'
const WHO = { query: '{ viewer { userId } }' }
const codeOf = async ({ url }: TestServer, token: string): Promise<string | undefined> =>
  (await post(url, token, WHO)).errors?.[0]?.extensions.code

const operate = async (server: TestServer, query: string, variables: object = {}) => {
  const { data, errors } = await server.ask(query, { ...variables }, ['operator'], { user: 'olga' })
  if (errors !== undefined) throw new Error(errors[0]?.message)
  return data
}
const make = async (server: TestServer, input: object = {}) => {
  const query = `mutation ($input: MachineTokenInput!) { createMachineToken(input: $input) {
    token machineToken { id userId roles access { users } note createdAt expiresAt revokedAt lastUsedAt } } }`
  const asked = { userId: 'laptop', roles: ['viewer'], note: 'of the laptop', ...input }
  return (await operate(server, query, { input: asked })).createMachineToken
}
const revoke = (server: TestServer, target: string) =>
  operate(server, `mutation { revokeAccess(${target}, reason: "lost") }`)
const list = async (server: TestServer) =>
  (await operate(server, '{ machineTokens { id userId roles note expiresAt revokedAt lastUsedAt } }')).machineTokens

/** Two instances with one journal. */
async function instances(settings: Record<string, string> = {}) {
  const folder = makeFolder()
  const start = (name: string) => {
    const data = join(folder, name)
    mkdirSync(data, { mode: 0o700, recursive: true })
    writeFileSync(join(data, 'journal-key'), `${Buffer.alloc(32, 7).toString('hex')}\n`, { mode: 0o600 })
    return startServer(folder, {
      DATA_DIR: data,
      JOURNAL_DIR: join(folder, 'journal'),
      AUTH_JWT_SECRET: SECRET,
      ...settings,
    })
  }
  return { folder, start, first: await start('first'), second: await start('second') }
}

describe('a token of a machine', () => {
  test('is made by an operator, told once, and listed without itself', async () => {
    const server = await startServer(makeFolder())
    const { token, machineToken } = await make(server, { ttl: '2h' })
    expect(machineToken).toMatchObject({ userId: 'laptop', roles: ['viewer'], access: null, note: 'of the laptop' })
    expect(machineToken).toMatchObject({ revokedAt: null, lastUsedAt: null })
    expect(Date.parse(machineToken.expiresAt) - Date.parse(machineToken.createdAt)).toBe(7_200_000)
    expect((await post(server.url, token, WHO)).data).toEqual({ viewer: { userId: 'laptop' } })
    const [listed] = await list(server)
    expect(listed).toMatchObject({ id: machineToken.id, revokedAt: null, lastUsedAt: expect.any(String) })
    expect(JSON.stringify(listed)).not.toContain(token)
    expect(server.log()).not.toContain(token.split('.')[2])
  })

  test('is made by nobody else, and for nobody without a name, a role or an end', async () => {
    const server = await startServer(makeFolder())
    const query = 'mutation { createMachineToken(input: { userId: "x", roles: ["operator"] }) { token } }'
    for (const roles of [['viewer'], ['ingester'], ['viewer', 'ingester']] as const) {
      expect((await server.ask(query, {}, roles)).errors?.[0]?.extensions.code).toBe('FORBIDDEN')
      const revocation = 'mutation { revokeAccess(userId: "olga", reason: "x") }'
      expect((await server.ask(revocation, {}, roles)).errors?.[0]?.extensions.code).toBe('FORBIDDEN')
      expect((await server.ask('{ machineTokens { id } }', {}, roles)).errors?.[0]?.extensions.code).toBe('FORBIDDEN')
    }
    for (const [wrong, message] of [
      [{ userId: '' }, 'input.userId'],
      [{ userId: 'a\u202eb' }, 'input.userId'],
      [{ roles: [] }, 'input.roles'],
      [{ roles: ['root'] }, 'input.roles'],
      [{ ttl: 'for ever' }, 'input.ttl'],
      [{ ttl: '400d' }, 'input.ttl'],
      [{ note: 'x'.repeat(201) }, 'input.note'],
      [{ access: [{ users: ['a\u202eb'] }] }, 'input.access'],
      [{ access: [{ users: Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(100)}`) }] }, 'input.access'],
      [{ access: Array.from({ length: 101 }, () => ({})) }, 'input.access'],
    ] as const)
      await expect(make(server, wrong), JSON.stringify(wrong)).rejects.toThrow(message)
    expect(await list(server)).toEqual([])
  })
})

describe('tokens of machines that somebody made', () => {
  const makers = async (server: TestServer) => {
    const { machineTokens } = await operate(server, '{ machineTokens { by userId revokedAt } }')
    return machineTokens.map(({ by, userId, revokedAt }: Record<string, string>) => [by, userId, revokedAt !== null])
  }
  const makeBy = async (server: TestServer, user: string, userId: string): Promise<string> => {
    const query = `mutation { createMachineToken(input: { userId: "${userId}", roles: ["viewer"] }) { token } }`
    return (await server.ask(query, {}, ['operator'], { user })).data.createMachineToken.token
  }

  test('say who did, go on when that user is out, and are taken away as well where that is asked for', async () => {
    const { first, second, start } = await instances()
    const [desk, own] = [await makeBy(first, 'mallory', 'desk'), await makeBy(first, 'mallory', 'mallory')]
    const kept = await makeBy(first, 'olga', 'desk')
    expect(await makers(first)).toEqual([
      ['olga', 'desk', false],
      ['mallory', 'mallory', false],
      ['mallory', 'desk', false],
    ])
    await revoke(first, 'userId: "mallory"')
    expect(first.log()).toMatch(/"userId":"mallory",.*"made":2,"msg":"access was revoked/)
    expect([await codeOf(first, desk), await codeOf(first, own)]).toEqual([undefined, 'UNAUTHENTICATED'])
    await revoke(first, 'userId: "mallory", made: true')
    // at an instance that has not heard of it
    const late = await makeBy(second, 'mallory', 'desk')
    for (const server of [first, second]) {
      for (const token of [desk, own, late])
        await until('it to be out', async () => (await codeOf(server, token)) === 'UNAUTHENTICATED' || undefined)
      expect(await codeOf(server, kept)).toBeUndefined()
    }
    await Promise.all([first.close(), second.close()])
    const again = await start('first')
    for (const token of [desk, own, late]) expect(await codeOf(again, token)).toBe('UNAUTHENTICATED')
    expect(await makers(again)).toEqual([
      ['mallory', 'desk', true],
      ['olga', 'desk', false],
      ['mallory', 'mallory', true],
      ['mallory', 'desk', true],
    ])
    await expect(revoke(again, 'tokenId: "x", made: true')).rejects.toThrow('made')
  })

  test('are taken away, too, where the clock of whoever made them is ahead', async () => {
    const { first, second } = await instances()
    const now = Date.now
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + 3_600_000)
    const token = await makeBy(second, 'mallory', 'desk').finally(() => clock.mockRestore())
    await until('what the other instance made', async () => ((await list(first)).length === 1 ? true : undefined))
    await revoke(first, 'userId: "mallory", made: true')
    expect((await list(first))[0].revokedAt).toEqual(expect.any(String))
    expect(await codeOf(first, token)).toBe('UNAUTHENTICATED')
  })
})

describe('access that is revoked', () => {
  test('ends also for tokens that were made by clocks that are ahead', async () => {
    const { first, second } = await instances()
    const now = Date.now
    const at = async <T>(offset: number, run: () => Promise<T>): Promise<T> => {
      const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + offset)
      try {
        return await run()
      } finally {
        clock.mockRestore()
      }
    }
    const seen = await at(4000, () => first.token(['viewer'], 'laptop'))
    expect(await codeOf(first, seen)).toBeUndefined()
    // an hour, at the instance whose clock it is
    const { token } = await at(3_600_000, () => make(second))
    await until('what the other instance made', async () => ((await list(first)).length === 1 ? true : undefined))
    await revoke(first, 'userId: "laptop"')
    for (const server of [first, second]) {
      await until('the revocation', async () => ((await codeOf(server, seen)) === 'UNAUTHENTICATED' ? true : undefined))
      await at(3_600_000, async () => expect(await codeOf(server, token)).toBe('UNAUTHENTICATED'))
      expect(await codeOf(server, await server.token(['viewer'], 'laptop'))).toBeUndefined()
    }
  })

  test('ends at once for the token, also where it was remembered, and for no other one', async () => {
    const server = await startServer(makeFolder())
    const [lost, kept] = [await make(server), await make(server)]
    for (const { token } of [lost, kept]) expect(await codeOf(server, token)).toBeUndefined()
    await revoke(server, `tokenId: "${lost.machineToken.id}"`)
    const refused = await post(server.url, lost.token, WHO)
    expect([refused.status, refused.errors?.[0]?.message]).toEqual([401, 'the token was revoked'])
    expect(await codeOf(server, kept.token)).toBeUndefined()
    expect((await list(server)).find(({ id }: { id: string }) => id === lost.machineToken.id).revokedAt).toEqual(
      expect.any(String),
    )
  })

  test('ends for all tokens of a user that were issued until then, however they were made', async () => {
    const server = await startServer(makeFolder())
    const before = [
      await server.token(['viewer'], 'laptop'),
      (await make(server)).token,
      await server.token(['operator'], 'laptop'),
    ]
    const others = await server.token(['viewer'], 'ann')
    await revoke(server, 'userId: "laptop"')
    for (const token of before) expect(await codeOf(server, token)).toBe('UNAUTHENTICATED')
    expect(await codeOf(server, others)).toBeUndefined()
    // of after it
    expect(await codeOf(server, await server.token(['viewer'], 'laptop'))).toBeUndefined()
    expect(await codeOf(server, (await make(server)).token)).toBeUndefined()
  })

  test('ends within a second on every instance, and its open sockets are closed', async () => {
    const { first, second } = await instances()
    const { token, machineToken } = await make(first, { roles: ['operator'] })
    expect(await codeOf(second, token)).toBeUndefined()
    const sockets = [await openSocket(first.url, token), await openSocket(second.url, token)]
    const other = await openSocket(second.url, await second.token(['operator'], 'ann'))
    await revoke(first, `tokenId: "${machineToken.id}"`)
    const revokedAt = performance.now()
    for (const { closed } of sockets) expect(await closed).toEqual({ code: 4401, reason: 'the token was revoked' })
    await until(
      'the other instance to know',
      async () => (await codeOf(second, token)) === 'UNAUTHENTICATED' || undefined,
    )
    expect(performance.now() - revokedAt).toBeLessThan(1000)
    expect(other.socket.readyState).toBe(other.socket.OPEN)
    expect((await list(second))[0]).toMatchObject({ id: machineToken.id, revokedAt: expect.any(String) })
  })

  test('ends for a question that was on its way', async () => {
    const server = await startServer(makeFolder())
    const { token, machineToken } = await make(server)
    const body = JSON.stringify(WHO)
    const json = { 'content-type': 'application/json', 'content-length': body.length, expect: '100-continue' }
    const asked = openRaw(server.url, head('POST /graphql', { ...json, authorization: `Bearer ${token}` }))
    await until('the server to go on', () => asked.received().includes('100 Continue') || undefined)
    await revoke(server, `tokenId: "${machineToken.id}"`)
    asked.socket.write(body)
    const answer = await asked.closed
    expect(answer).toContain('HTTP/1.1 401')
    expect(answer).not.toContain('laptop')
  })

  test('stays so after a restart', async () => {
    const { first, second, start } = await instances()
    const [lost, kept] = [await make(first), await make(first, { userId: 'desk' })]
    await revoke(first, 'userId: "laptop"')
    await Promise.all([first.close(), second.close()])
    const again = await start('first')
    expect(await codeOf(again, lost.token)).toBe('UNAUTHENTICATED')
    expect(await codeOf(again, kept.token)).toBeUndefined()
  })

  test('is revoked for a user or for a token, and for a reason', async () => {
    const server = await startServer(makeFolder())
    for (const wrong of ['userId: "a", tokenId: "b"', 'userId: null', 'userId: ""', 'tokenId: "\\u0000"'])
      await expect(revoke(server, wrong), wrong).rejects.toThrow(/userId|tokenId/)
    await expect(operate(server, 'mutation { revokeAccess(userId: "a", reason: "") }')).rejects.toThrow('reason')
  })
})

describe('an instance that does not hear what others revoke', () => {
  test.each([
    ['refuses tokens from before where it must be strict', 'on'],
    ['goes on where it need not be', 'off'],
  ])('says so, and %s', async (_, AUTH_STRICT_REVOCATION) => {
    const { folder, first, second } = await instances({ AUTH_STRICT_REVOCATION })
    const isStrict = AUTH_STRICT_REVOCATION === 'on'
    const now = Math.floor(Date.now() / 1000)
    const claims = { sub: 'ann', roles: ['viewer'], iss: 'token-bridge', iat: now - 60, exp: now + 600 }
    const before = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(SECRET))
    const access = async () => {
      const { data } = await second.ask('{ health { components { name state detail } } }', {}, ['operator'])
      return data.health.components.find(({ name }: { name: string }) => name === 'access')
    }
    expect(await codeOf(second, before)).toBeUndefined()
    expect(await access()).toMatchObject({ state: 'UP' })
    await first.close()
    renameSync(join(folder, 'journal'), join(folder, 'elsewhere'))
    const told = await until('it to say so', async () => {
      const now = await access()
      return now.state === 'DEGRADED' ? now : undefined
    })
    expect(told.detail).toContain('is not heard since')
    expect(await codeOf(second, before)).toBe(isStrict ? 'SOURCE_UNAVAILABLE' : undefined)
    renameSync(join(folder, 'elsewhere'), join(folder, 'journal'))
    await until('it to hear again', async () => ((await access()).state === 'UP' ? true : undefined))
    expect(await codeOf(second, before)).toBeUndefined()
  })

  test('takes no token from before, as long as it has not read what was revoked', () => {
    let since: number | undefined = 1000
    const known = createKnownTokens(() => since)
    const token = { userId: 'ann', id: 'a', issuedAt: 999 }
    expect(() => known.check(token)).toThrow(expect.objectContaining({ code: 'SOURCE_UNAVAILABLE' }))
    expect(() => known.check({ ...token, issuedAt: 1000 })).not.toThrow()
    since = undefined
    expect(() => known.check(token)).not.toThrow()
  })
})
