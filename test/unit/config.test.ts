import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { LIMITS } from '../../src/domain/limits.ts'
import { SETTINGS } from '../../src/settings.ts'

describe('settings', () => {
  test('have defaults, and empty means absent', () => {
    const config = readConfig({ HOME: '/home/ann', PORT: ' ', LOG_LEVEL: '' })
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 4000,
      logLevel: 'info',
      auth: { jwtSecrets: [], jwksUrls: [], issuers: ['token-bridge'], audience: undefined, strictRevocation: false },
      introspection: true,
    })
    expect(config.dataDir).toBe(join(process.cwd(), '.token-bridge'))
    expect(readConfig({ HOME: '/home/ann', DATA_DIR: '~/data' }).dataDir).toBe('/home/ann/data')
  })

  test('that are wrong are told all at once', () => {
    expect(() =>
      readConfig({ PORT: '70000', LOG_LEVEL: 'loud', AUTH_JWT_SECRET: 'short', RESCAN_INTERVAL_MS: '1e3' }),
    ).toThrow(
      expect.objectContaining({
        code: 'INVALID_SETTINGS',
        message: expect.stringMatching(
          /PORT must be .*AUTH_JWT_SECRET must have .*RESCAN_INTERVAL_MS must be .*LOG_LEVEL must be /,
        ),
      }),
    )
  })

  test('have no environment but those that are known', () => {
    for (const NODE_ENV of ['development', 'test', 'production', '', undefined])
      expect(readConfig({ NODE_ENV }).introspection).toBe(NODE_ENV !== 'production')
    for (const NODE_ENV of ['prod', 'Production', 'staging'])
      expect(() => readConfig({ NODE_ENV })).toThrow('NODE_ENV must be one of development, production, test')
  })

  test('name trusted proxies by their addresses and networks, and never everybody', () => {
    const proxiesOf = (text: string) => readConfig({ HOME: '/home/ann', TRUSTED_PROXY: text }).trustedProxies
    expect(proxiesOf('')).toEqual([])
    expect(proxiesOf('10.0.0.1, 2001:db8::/32,::1')).toEqual(['10.0.0.1', '2001:db8::/32', '::1'])
    for (const wrong of ['all', '10.0.0.0/33', '0.0.0.0/0', '::/0', '10.0.0.1,,'])
      expect(() => proxiesOf(wrong), wrong).toThrow(/TRUSTED_PROXY must be/)
  })

  test('never show a secret in an error', () => {
    for (const name of ['AUTH_JWT_SECRET', 'JOURNAL_KEY'])
      expect(() => readConfig({ [name]: 'hush' })).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hush') }),
      )
  })

  test('take the key of the journal as base64, also for URLs, or hexadecimal, and nothing else', () => {
    const bytes = Buffer.from(Array.from({ length: 32 }, (_, i) => 255 - 7 * i))
    const keyOf = (JOURNAL_KEY: string) => readConfig({ JOURNAL_KEY }).journalKey
    const base64 = bytes.toString('base64')
    const hex = bytes.toString('hex')
    for (const text of [base64, base64.replace('=', ''), bytes.toString('base64url'), hex, hex.toUpperCase()])
      expect(keyOf(` ${text}\n`), text).toEqual([bytes])
    expect(keyOf(`${hex}, ${base64}`)).toEqual([bytes, bytes])
    for (const text of [
      hex.slice(1),
      `${hex}0`,
      base64.slice(1),
      `${base64}=`,
      base64.replace(/^./, '*'),
      'x',
      `${hex},`,
      `${hex},x`,
    ])
      expect(() => keyOf(text), text).toThrow(
        'invalid settings: JOURNAL_KEY must be 32 bytes, as base64 or hexadecimal',
      )
  })

  test('take the key of the journal from one place', () => {
    const JOURNAL_KEY = 'ab'.repeat(32)
    expect(readConfig({}).journalKey).toBeUndefined()
    expect(readConfig({ JOURNAL_KEY_FILE: '~/key', HOME: '/home/ann' }).journalKey).toEqual({ file: '/home/ann/key' })
    expect(() => readConfig({ JOURNAL_KEY, JOURNAL_KEY_FILE: '/key', PORT: 'x' })).toThrow(
      /^invalid settings: PORT must be [^;]+; JOURNAL_KEY and JOURNAL_KEY_FILE are both set: set one of them$/,
    )
  })

  test('may be several secrets, of which none is shorter than it must be', () => {
    const secretsOf = (text: string) => readConfig({ AUTH_JWT_SECRET: text }).auth.jwtSecrets
    const [one, two, withComma] = ['1'.repeat(32), '2'.repeat(40), `3${'4'.repeat(20)}, ${'5'.repeat(20)}`]
    expect(secretsOf(one)).toEqual([one])
    expect(secretsOf(`${one}, ${two}`)).toEqual([one, two, `${one}, ${two}`])
    expect(secretsOf(withComma)).toEqual([withComma])
    expect(secretsOf(`${one},${withComma},${two}`)).toEqual([one, withComma, two, `${one},${withComma},${two}`])
    expect(secretsOf(`${one}, short`)).toEqual([`${one}, short`])
    expect(secretsOf(`${one},`)).toEqual([one, `${one},`])
    for (const wrong of ['short', `${'1'.repeat(31)}`, ',,,', 'a,b'])
      expect(() => secretsOf(wrong), wrong).toThrow('AUTH_JWT_SECRET must have at least 32 bytes')
  })

  test('name hosts and origins as browsers send them, and no others', () => {
    const hostsOf = (text: string) => readConfig({ ALLOWED_HOSTS: text }).allowedHosts
    expect(hostsOf('Bridge, bücher.example,[::1], 10.0.0.1')).toEqual([
      'bridge',
      'xn--bcher-kva.example',
      '[::1]',
      '10.0.0.1',
    ])
    for (const wrong of ['bridge:4000', 'http://bridge', 'a b', 'a,,b', '*', 'a/b'])
      expect(() => hostsOf(wrong), wrong).toThrow('ALLOWED_HOSTS must be')
    const originsOf = (text: string) => readConfig({ CORS_ORIGINS: text }).corsOrigins
    expect(originsOf('HTTPS://Dashboard.example:443, http://localhost:5173')).toEqual([
      'https://dashboard.example',
      'http://localhost:5173',
    ])
    for (const wrong of ['*', 'null', 'dashboard.example', 'https://a/path', 'https://u@a', 'ftp://a'])
      expect(() => originsOf(wrong), wrong).toThrow('CORS_ORIGINS must be')
    expect(() => readConfig({ ALLOWED_ORIGINS: 'https://a' })).toThrow('another name now: CORS_ORIGINS')
  })

  test('stand in docs/settings.md, each with its default', () => {
    const table = readFileSync('docs/settings.md', 'utf8').replace(/ +/g, ' ')
    for (const [name, { fallback, about }] of Object.entries(SETTINGS))
      expect(table).toContain(`| \`${name}\` | ${fallback} | ${about} |`)
  })
})

describe('limits', () => {
  test('stand in docs/settings.md, each with its number, in one order', () => {
    const table = readFileSync('docs/settings.md', 'utf8').replace(/ +/g, ' ')
    const rows = Object.values(LIMITS).map(({ shown, about }) => `| ${shown} | ${about} |`)
    expect(table).toContain(rows.join('\n'))
  })
})

test('each setting is read: none stands in the table and does nothing', () => {
  const readers = [
    'config',
    'access-settings',
    'audit-settings',
    'budget-settings',
    'risk-settings',
    'tracing-settings',
  ]
  const text = [...readers, 'secret-files'].map((name) => readFileSync(`src/${name}.ts`, 'utf8')).join('\n')
  // what `…_FILE` holds is read as the setting that it stands for
  const unread = Object.keys(SETTINGS).filter(
    (name) => !text.includes(`settings.${name}`) && !text.includes(`'${name.replace(/_FILE$/, '')}'`),
  )
  expect(unread).toEqual([])
})
