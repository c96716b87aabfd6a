import { expect, test } from 'vitest'
import { loadJwtSecrets } from '../../src/access/secret.ts'
import { signToken } from '../../src/access/tokens.ts'
import { readConfig } from '../../src/config.ts'
import { startServer } from '../support/server.ts'
import { openSocket } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'

test('a token that is refused is told what is wrong with it, over HTTP and over WebSocket', async () => {
  const secret = 's'.repeat(40)
  const server = await startServer(makeFolder(), { AUTH_JWT_SECRET: secret })
  const { auth, dataDir } = readConfig({ AUTH_JWT_SECRET: secret })
  const [own] = loadJwtSecrets(auth, dataDir)
  const ann = { userId: 'ann', roles: ['viewer'] as const, access: undefined }
  const expiresAt = Math.floor(Date.now() / 1000) - 3600
  const expired = await signToken(own as Uint8Array, ann, -3600)
  const foreign = await signToken(Buffer.from('o'.repeat(40)), ann, 60)
  const foreignAndExpired = await signToken(Buffer.from('o'.repeat(40)), ann, -3600)
  const otherIssuer = await signToken(own as Uint8Array, ann, 60, { issuers: ['elsewhere'] })
  const good = await server.token(['viewer'])

  for (const [name, authorization, message] of [
    ['none', undefined, /^no token: send Authorization: Bearer …/],
    ['no word Bearer before it', good, /^not a token of this bridge: .* the word Bearer/],
    ['no token', 'Bearer no', /^not a token of this bridge: what stands behind Bearer is none/],
    ['one that others signed', `Bearer ${foreign}`, /^not a token of this bridge: others signed it/],
    ['one that others signed, expired', `Bearer ${foreignAndExpired}`, /^not a token of this bridge: others signed it/],
    ['one of another issuer', `Bearer ${otherIssuer}`, /^not a token of this bridge: .* for others$/],
    ['one that has expired', `Bearer ${expired}`, /^the token expired at \d{4}-\d\d-\d\dT[\d:.]+Z$/],
  ] as const) {
    const headers = { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) }
    const body = JSON.stringify({ query: '{ viewer { userId } }' })
    const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body })
    const { errors } = (await response.json()) as { errors: { message: string; extensions: object }[] }
    expect([name, response.status]).toEqual([name, 401])
    expect(errors).toMatchObject([{ message: expect.stringMatching(message), extensions: { code: 'UNAUTHENTICATED' } }])
    const socket = await openSocket(server.url)
    socket.send({ type: 'connection_init', payload: { authorization } })
    // the whole of it has room in a close frame
    expect(await socket.closed, name).toEqual({ code: 4401, reason: errors[0]?.message })
    const [, at] = /expired at (.*)$/.exec(errors[0]?.message ?? '') ?? []
    if (at !== undefined) expect(Math.abs(Date.parse(at) / 1000 - expiresAt)).toBeLessThan(60)
  }
})
