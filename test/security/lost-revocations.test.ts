// Revocations are in the journal: where a part of it is lost, and no database was told, tokens that were revoked live
// again.
import { mkdirSync, readdirSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run } from '../support/cli.ts'
import { post } from '../support/graphql-client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

const SECRET = 'a secret that outlives the folder of data'
const STRICT = { AUTH_JWT_SECRET: SECRET, AUTH_STRICT_REVOCATION: 'on' }
const start = (folder: string, settings: Record<string, string> = STRICT) => startServer(folder, settings)
const accessOf = async (server: TestServer) => {
  const { data } = await server.ask('{ health { components { name state detail } } }', {}, ['operator'])
  return data.health.components.find(({ name }: { name: string }) => name === 'access')
}
const LOST = {
  state: 'DEGRADED',
  detail: expect.stringMatching(/^what was revoked before \S+Z may be lost: .*docs\/runbooks/),
}
const codeOf = async ({ url }: TestServer, token: string): Promise<string | undefined> =>
  (await post(url, token, { query: '{ viewer { userId } }' })).errors?.[0]?.extensions.code
const revoke = (server: TestServer, user: string) =>
  server.ask(`mutation { revokeAccess(userId: "${user}", reason: "lost") }`, {}, ['operator'])

/** A server that has revoked the token of mallory; ann's is good. */
async function scene() {
  const folder = makeFolder()
  const first = await start(folder)
  const [good, revoked] = [await first.token(['viewer'], 'ann'), await first.token(['viewer'], 'mallory')]
  await revoke(first, 'mallory')
  expect([await codeOf(first, good), await codeOf(first, revoked)]).toEqual([undefined, 'UNAUTHENTICATED'])
  expect(await accessOf(first)).toMatchObject({ state: 'UP' })
  await first.close()
  const at = (name: string) => join(folder, 'data', name)
  const segments = () => readdirSync(at('journal')).filter((name) => name.endsWith('.journal'))
  return { folder, good, revoked, at, segments }
}

describe('an instance whose journal', () => {
  test('is gone says so, and refuses tokens from before where it must be strict, until it is back', async () => {
    const { folder, good, revoked, at } = await scene()
    renameSync(at('journal'), join(folder, 'away'))
    const lax = await start(folder, { AUTH_JWT_SECRET: SECRET })
    expect(await accessOf(lax)).toMatchObject(LOST)
    // so it is: that is what strictness is for
    expect(await codeOf(lax, revoked)).toBeUndefined()
    await lax.close()
    const strict = await start(folder)
    expect(await accessOf(strict)).toMatchObject(LOST)
    for (const token of [good, revoked]) expect(await codeOf(strict, token)).toBe('SOURCE_UNAVAILABLE')
    // what was issued since then can be revoked, and is heard of
    const since = await strict.token(['viewer'], 'ann')
    expect(await codeOf(strict, since)).toBeUndefined()
    await strict.close()
    rmSync(at('journal'), { recursive: true })
    renameSync(join(folder, 'away'), at('journal'))
    const whole = await start(folder)
    expect(await accessOf(whole)).toMatchObject({ state: 'UP' })
    expect([await codeOf(whole, good), await codeOf(whole, since), await codeOf(whole, revoked)]).toEqual([
      undefined,
      undefined,
      'UNAUTHENTICATED',
    ])
  })

  test('was cut says the same', async () => {
    const { folder, good, at, segments } = await scene()
    for (const segment of segments()) truncateSync(join(at('journal'), segment), 60)
    const strict = await start(folder)
    expect(await accessOf(strict)).toMatchObject(LOST)
    expect(await codeOf(strict, good)).toBe('SOURCE_UNAVAILABLE')
  })

  test('is gone, with what said how far it went, still says so, and over starts, until an operator has seen to it', async () => {
    const { folder, good, at, segments } = await scene()
    for (const segment of segments()) rmSync(join(at('journal'), segment))
    rmSync(at('journal-heads'))
    for (const again of [false, true]) {
      const strict = await start(folder)
      expect(await accessOf(strict), String(again)).toMatchObject(LOST)
      expect(await codeOf(strict, good)).toBe('SOURCE_UNAVAILABLE')
      await strict.close()
    }
    rmSync(at('revocations-lost.json'))
    const seen = await start(folder)
    expect(await accessOf(seen)).toMatchObject({ state: 'UP' })
    expect(await codeOf(seen, good)).toBeUndefined()
  })

  test('is gone, is told so by a start after somebody revoked something without a server', async () => {
    const { folder, good, at } = await scene()
    rmSync(at('journal'), { recursive: true })
    rmSync(at('journal-heads'))
    const settings = { ...STRICT, DATA_DIR: at('') }
    expect(await run(['revoke', '--user', 'eve', '--reason', 'x'], folder, settings)).toMatchObject({ code: 0 })
    const strict = await start(folder)
    expect(await accessOf(strict)).toMatchObject(LOST)
    expect(await codeOf(strict, good)).toBe('SOURCE_UNAVAILABLE')
  })

  test('never was, as at the first start, or at one that failed before, hears everything', async () => {
    const folder = makeFolder()
    mkdirSync(join(folder, 'data'), { mode: 0o700 })
    await expect(start(folder, { ...STRICT, TRANSCRIPTS_DIR: join(folder, 'missing') })).rejects.toThrow()
    for (let starts = 0; starts < 2; starts++) {
      const server = await start(folder)
      expect(await accessOf(server)).toMatchObject({ state: 'UP' })
      await server.close()
    }
  })
})
