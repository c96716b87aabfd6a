import { describe, expect, inject, test } from 'vitest'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

const SECRET = { AUTH_JWT_SECRET: 'a secret of enough bytes for HS256!' }

const refused = async (settings: Record<string, string>, ...reasons: (string | RegExp)[]) => {
  const error: Error = await startServer(makeFolder(), settings).then(
    () => new Error('it started'),
    (reason) => reason,
  )
  for (const reason of reasons) expect(error.message).toMatch(reason)
  return error.message
}

describe('a server that other machines reach', () => {
  test.each(['0.0.0.0', '::', '192.0.2.1', 'bridge.example'])(
    'is not started at %s without HTTPS, a proxy, or a private network, nor by a secret that was made up',
    async (HOST) => {
      const message = await refused({ HOST }, 'in the clear', 'nobody has chosen the secret')
      for (const remedy of ['TLS_CERT_FILE', 'TRUSTED_PROXY', 'PRIVATE_HOSTS', 'AUTH_JWT_SECRET', 'AUTH_JWKS_URL'])
        expect(message).toContain(remedy)
      expect(await refused({ HOST, ...SECRET }, 'in the clear')).not.toContain('nobody has chosen')
      expect(await refused({ HOST, TRUSTED_PROXY: '192.0.2.9' }, 'nobody has chosen')).not.toContain('in the clear')
    },
  )

  test('is started behind a proxy, in a private network, or with a certificate', async () => {
    const tls = { TLS_CERT_FILE: 'test/fixtures/tls/first-cert.pem', TLS_KEY_FILE: 'test/fixtures/tls/first-key.pem' }
    for (const settings of [{ TRUSTED_PROXY: '192.0.2.9' }, { PRIVATE_HOSTS: '0.0.0.0' }, tls]) {
      const server = await startServer(makeFolder(), { HOST: '0.0.0.0', ...SECRET, ...settings })
      expect(server.url).toMatch(/^https?:/)
    }
    const six = await startServer(makeFolder(), { HOST: '::', PRIVATE_HOSTS: '[::]', ...SECRET })
    expect(six.url).toMatch(/^http:/)
  })

  test.each<[Record<string, string>, boolean]>([
    [{ HOST: '0.0.0.0', PRIVATE_HOSTS: '0.0.0.0' }, true],
    [{ TRUSTED_PROXY: '192.0.2.9' }, true],
    [{ HOST: '0.0.0.0', PRIVATE_HOSTS: '0.0.0.0', NODE_ENV: 'test' }, true],
    [{ HOST: '0.0.0.0', PRIVATE_HOSTS: '0.0.0.0', NODE_ENV: 'development' }, false],
    [{ HOST: 'localhost' }, false],
  ])('is as in production unless development is said: %j', async (settings, isProduction) => {
    const server = await startServer(makeFolder(), { ...SECRET, ...settings })
    expect(server.app.signInUrl === undefined).toBe(isProduction)
    const { status } = await server.ask('{ __schema { queryType { name } } }')
    expect(status).toBe(isProduction ? 400 : 200)
    const { errors } = await server.ask('{ tokenMetric { recordCount } }')
    expect(errors?.[0]?.message.includes('Did you mean')).toBe(!isProduction)
  })

  test('is asked under the name that it listens at, and under no other', async () => {
    const server = await startServer(makeFolder(), { HOST: 'localhost' })
    expect((await server.ask('{ viewer { userId } }')).status).toBe(200)
  })
})

describe('another server', () => {
  test('is not asked in the clear, where that leaves this machine', async () => {
    const message = await refused(
      {
        CLICKHOUSE_URL: 'http://db.example:8123',
        CLICKHOUSE_PASSWORD: 'hush',
        REDIS_URL: 'redis://:hush@cache.example:6379',
        UNLEASH_URL: 'http://flags.example/api',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://traces.example:4318',
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=hush',
      },
      'CLICKHOUSE_URL leads to db.example in the clear',
      'REDIS_URL leads to cache.example in the clear',
      'UNLEASH_URL leads to flags.example in the clear',
      'OTEL_EXPORTER_OTLP_ENDPOINT leads to traces.example in the clear',
      'PRIVATE_HOSTS',
      'rediss://',
    )
    expect(message).not.toContain('hush')
  })

  test('may be asked so in a private network that is named, and on this machine', async () => {
    const url = new URL(inject('redisUrl'))
    const named = await startServer(makeFolder(), {
      REDIS_URL: 'redis://redis.invalid:6379',
      UNLEASH_URL: 'http://unleash.invalid/api',
      PRIVATE_HOSTS: 'redis.invalid, UNLEASH.invalid',
    })
    expect((await named.ask('{ viewer { userId } }')).status).toBe(200)
    await refused(
      { REDIS_URL: 'redis://other.invalid', PRIVATE_HOSTS: 'redis.invalid' },
      'REDIS_URL leads to other.invalid',
    )
    for (const host of ['localhost', '127.0.0.1', '[::1]'])
      await startServer(makeFolder(), { REDIS_URL: `redis://${host}:${url.port}` })
  })

  test('is not believed without a certificate: verification cannot be turned off', async () => {
    await refused({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'NODE_TLS_REJECT_UNAUTHORIZED=0', 'NODE_EXTRA_CA_CERTS')
  })

  test('that gives keys is asked by HTTPS, or is on this machine', async () => {
    for (const AUTH_JWKS_URL of [
      'http://login.example/keys',
      'ftp://login.example',
      'https://login.example/keys,http://192.0.2.1/',
      'keys',
    ])
      await refused({ AUTH_JWKS_URL, AUTH_AUDIENCE: 'bridge' }, 'AUTH_JWKS_URL must begin with https://')
    await refused({ AUTH_JWKS_URL: 'https://login.example/keys' }, 'AUTH_JWKS_URL needs AUTH_AUDIENCE')
  })
})
