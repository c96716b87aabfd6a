import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { createSchema } from '../../src/graphql/schema.ts'
import { everythingOf } from '../support/every-field.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { openSocket } from '../support/small-subscriptions.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

const hex = () => randomBytes(32).toString('hex')
/** One of each kind; found again in whatever form it is written. */
const SECRETS = {
  AUTH_JWT_SECRET: hex(),
  JOURNAL_KEY: hex(),
  AUDIT_KEY: hex(),
  CLICKHOUSE_PASSWORD: hex(),
  UNLEASH_API_TOKEN: `*:development.${hex()}`,
}
const REDIS_PASSWORD = hex()

/** Where one of the secrets stands in a text: its name and the text around it. */
function leaksIn(text: string): string[] {
  const asBytes = (secret: string) => Buffer.from(secret, /^[0-9a-f]{64}$/.test(secret) ? 'hex' : 'utf8')
  return Object.entries({ ...SECRETS, REDIS_PASSWORD }).flatMap(([name, secret]) =>
    [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64'), asBytes(secret).toString('base64')]
      .filter((form) => text.includes(form))
      .map((form) => `${name}: ${text.slice(Math.max(0, text.indexOf(form) - 200), text.indexOf(form) + 20)}`),
  )
}

/** A server that refuses whoever comes, whatever they show. */
async function startRefusing(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(401, { 'content-type': 'text/plain' }).end('Code: 516. DB::Exception: who are you?')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A bridge with a secret of each kind, all of which are refused. */
async function startWithSecrets(): Promise<TestServer> {
  const refusing = await startRefusing()
  const redis = new URL(inject('redisUrl'))
  redis.username = 'somebody'
  redis.password = REDIS_PASSWORD
  return startServer(makeFolder(), {
    ...SECRETS,
    LOG_LEVEL: 'trace',
    REDIS_URL: redis.href,
    CLICKHOUSE_URL: refusing,
    UNLEASH_URL: `${refusing}/api`,
    UNLEASH_REFRESH_INTERVAL_MS: '100',
  })
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))

describe('a secret of the server', () => {
  test('is in no answer, no figure, no line of the log and no file, also where it was refused', async () => {
    const server = await startWithSecrets()
    await until('each was refused', () =>
      ['DB::Exception', 'WRONGPASS', 'refuses the token'].every((refusal) => server.log().includes(refusal)),
    )
    const operator = await server.token(['operator', 'viewer', 'ingester'])
    const answers: string[] = []
    for (const field of Object.values((await createSchema()).getQueryType()?.getFields() ?? {}))
      answers.push(JSON.stringify(await server.ask(`{ ${everythingOf(field)} }`, {}, ['operator', 'viewer'])))
    for (const path of ['/metrics', '/health/live', '/health/ready', '/graphql', '/sign-in?token=x', '/nowhere'])
      for (const headers of [{}, { authorization: `Bearer ${operator}` }, { authorization: `Bearer ${operator}x` }]) {
        const response = await fetch(server.url + path, { headers })
        answers.push(JSON.stringify([...response.headers]), await response.text())
      }
    answers.push(JSON.stringify(await server.ask('mutation { startMigration { id } }', {}, ['operator'])))
    answers.push(JSON.stringify(await (await openSocket(server.url, `${operator}x`)).closed))
    await server.close()
    expect(answers.join('')).toContain('clickhouse')
    for (const text of [...answers, server.log(), ...filesOf(server.folder)]) expect(leaksIn(text)).toEqual([])
    // the token of whoever asks is none of the log's business either
    expect(server.log()).not.toContain(operator)
  })

  test.each([
    { REDIS_URL: `redis://:${REDIS_PASSWORD}@192.0.2.1` },
    { REDIS_URL: `http://:${REDIS_PASSWORD}@127.0.0.1` },
    { CLICKHOUSE_URL: 'http://192.0.2.1', UNLEASH_URL: 'http://192.0.2.1' },
    { CLICKHOUSE_URL: `http://a:${SECRETS.CLICKHOUSE_PASSWORD}@127.0.0.1` },
    { UNLEASH_URL: `ftp://a:${SECRETS.UNLEASH_API_TOKEN}@127.0.0.1` },
    { UNLEASH_URL: `http://a:${encodeURIComponent(SECRETS.UNLEASH_API_TOKEN)}@127.0.0.1` },
    { AUTH_JWKS_URL: `https://a:${REDIS_PASSWORD}@127.0.0.1/keys`, AUTH_AUDIENCE: 'us' },
    { JOURNAL_KEY: `${SECRETS.JOURNAL_KEY}0`, AUDIT_KEY: `${SECRETS.AUDIT_KEY}0` },
    ...Object.keys(SECRETS).map((name) => ({ [`${name}_FILE`]: '/nowhere' })),
  ])('is in no mistake that the start tells: %#', async (wrong) => {
    const told = await startServer(makeFolder(), { ...SECRETS, ...wrong }).then(
      () => 'it started',
      (error: unknown) => inspect(error, { depth: 5 }),
    )
    expect(told).not.toBe('it started')
    expect(leaksIn(told)).toEqual([])
  })
})
