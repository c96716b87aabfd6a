import { createPrivateKey, randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { createSchema } from '../../src/graphql/schema.ts'
import { SECRETS } from '../../src/secret-files.ts'
import { SETTINGS } from '../../src/settings.ts'
import { run, start } from '../support/cli.ts'
import { everythingOf } from '../support/every-field.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { line, makeFolder, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

type Secret = (typeof SECRETS)[number]

/** A value that each secret can have, with a canary in it that is nowhere else. A new secret does not compile without. */
const VALUE_WITH: Record<Secret, (canary: string) => string> = {
  JOURNAL_KEY: (canary) => Buffer.from(canary.padEnd(32, '-').slice(0, 32)).toString('base64'),
  AUDIT_KEY: (canary) => Buffer.from(canary.padEnd(32, '+').slice(0, 32)).toString('base64'),
  AUTH_JWT_SECRET: (canary) => `${canary}-${canary}`,
  // nobody of that name is known to the Redis of the tests
  REDIS_URL: (canary) => `redis://somebody:${canary}@${new URL(inject('redisUrl')).host}`,
  CLICKHOUSE_PASSWORD: (canary) => canary,
  UNLEASH_API_TOKEN: (canary) => `*:*.${canary}`,
  TOKEN_BRIDGE_TOKEN: (canary) => canary,
  // nobody listens there
  ALERT_WEBHOOK_URL: (canary) => `http://127.0.0.1:9/${canary}`,
  ALERT_SLACK_URL: (canary) => `http://127.0.0.1:9/${canary}`,
  OTEL_EXPORTER_OTLP_HEADERS: (canary) => `authorization=Basic%20${canary}`,
}

/** 24 letters and digits: they stand for themselves in a URL, and the JSON and log lines around them change nothing. */
const canaryOf = (name: string): string => `${name.replaceAll('_', '').slice(0, 6)}${randomBytes(9).toString('hex')}`

/**
 * The key of the certificate is no text that one can choose: its secret number, as a byte a character, and the lines of
 * its file that have a part of it.
 */
function keyOfCertificate(folder: string) {
  const paths = { TLS_CERT_FILE: join(folder, 'cert.pem'), TLS_KEY_FILE: join(folder, 'key.pem') }
  copyFileSync('test/fixtures/tls/first-cert.pem', paths.TLS_CERT_FILE)
  copyFileSync('test/fixtures/tls/first-key.pem', paths.TLS_KEY_FILE)
  const pem = readFileSync(paths.TLS_KEY_FILE, 'utf8')
  const { d = '' } = createPrivateKey(pem).export({ format: 'jwk' })
  const [, first = '', second = ''] = pem.split('\n')
  const canaries = {
    TLS_KEY_FILE: Buffer.from(d, 'base64url').toString('latin1'),
    'TLS_KEY_FILE, its first line': first,
    'TLS_KEY_FILE, its second line': second,
  }
  return { settings: paths, canaries, pem }
}

/** How a canary may look in what is emitted. */
function formsOf(canary: string): string[] {
  const bytes = Buffer.from(canary, 'latin1')
  // where it stands in a longer text, base64 begins at one of three places
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    return text.slice(before === 0 ? 0 : 4, Math.floor(((before + bytes.length) / 3) | 0) * 4)
  })
  const urlSafe = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  const percent = [...bytes].map((byte) => `%${byte.toString(16)}`).join('')
  return [canary, ...base64, ...urlSafe, bytes.toString('hex'), percent, percent.toUpperCase()]
}

function expectNone(emitted: Record<string, string>, canaries: Record<string, string>): void {
  for (const [secret, canary] of Object.entries(canaries))
    for (const [where, text] of Object.entries(emitted))
      for (const form of formsOf(canary))
        expect(text.toLowerCase().includes(form.toLowerCase()), `${secret} in ${where}`).toBe(false)
}

/** All files below a folder, but for those of secrets themselves. */
function filesIn(folder: string, without: RegExp): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => !without.test(path))
      .map((path) => [path, readFileSync(path, 'latin1')]),
  )
}

/** All that a server tells whoever may know the most. */
async function emittedBy(server: TestServer): Promise<Record<string, string>> {
  const emitted: Record<string, string> = {}
  const schema = await createSchema()
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {}))
    emitted[field.name] = JSON.stringify(await server.ask(`{ ${everythingOf(field)} }`, {}, ['viewer', 'operator']))
  for (const mutation of [
    'mutation { startMigration { id } }',
    'mutation { backupMigration(name: "b", all: true) { folder } }',
    'mutation { restoreMigration(name: "c") { folder } }',
    INGEST,
  ])
    emitted[mutation] = JSON.stringify(await server.ask(mutation, {}, ['operator', 'ingester']))
  const authorization = `Bearer ${await server.token(['viewer', 'operator'])}`
  for (const [path, headers] of [
    ['/metrics', { authorization }],
    ['/health/live', {}],
    ['/health/ready', {}],
    ['/health/ready', { authorization }],
    ['/nowhere', { authorization }],
    ['/graphql', { authorization: 'Bearer not.one.atall' }],
    ['/sign-in?token=x', {}],
  ] as const) {
    const response = await fetch(`${server.url}${path}`, { headers })
    emitted[`${path} ${Object.keys(headers)}`] = `${JSON.stringify([...response.headers])} ${await response.text()}`
  }
  await server.close()
  emitted['the log'] = server.log()
  return emitted
}

const INGEST = `mutation { ingestTokenRecords(input: { records: [{ sessionId: "s", project: "p", model: "m",
  occurredAt: "2026-04-02T09:00:00Z", tokens: { input: "1", output: "0" } }] }) { accepted } }`

/** Answers everything with a refusal that repeats nothing. */
async function startRefusing(status: number): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status).end('no')).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const around = (database: string, flags = database): Record<string, string> => ({
  CLICKHOUSE_URL: database,
  UNLEASH_URL: `${flags}/api`,
  OTEL_EXPORTER_OTLP_ENDPOINT: flags,
})

/** Where each part that has a secret is: nobody there, somebody who refuses it, somebody who fails. */
const AROUND: [string, () => Promise<Record<string, string>>][] = [
  ['nobody is there', async () => around('http://127.0.0.1:1')],
  ['whoever is there refuses it', async () => around(await startRefusing(403), await startRefusing(401))],
  ['whoever is there fails', async () => around(await startRefusing(500))],
  ['the host has no name', async () => around('https://no.invalid')],
]

const corpus = (): string => {
  const folder = makeFolder()
  writeTranscripts(folder, { 'p/a.jsonl': [line()] })
  return folder
}

/** Every secret with a canary; `inFiles`: by the settings that name files. */
function planted(folder: string, inFiles: boolean) {
  const canaries = Object.fromEntries(SECRETS.map((name) => [name, canaryOf(name)])) as Record<Secret, string>
  const values = SECRETS.map((name) => [name, VALUE_WITH[name](canaries[name])] as const)
  const tls = keyOfCertificate(folder)
  const withKey = (settings: [string, string][]) => ({
    canaries: { ...canaries, ...tls.canaries },
    settings: { ...(Object.fromEntries(settings) as Record<string, string>), ...tls.settings },
    pem: tls.pem,
  })
  if (!inFiles) return withKey(values.map(([name, value]) => [name, value]))
  mkdirSync(join(folder, 'secrets'), { mode: 0o700 })
  return withKey(
    values.map(([name, value]) => {
      writeFileSync(join(folder, 'secrets', name), `${value}\n`, { mode: 0o600 })
      return [`${name}_FILE`, join(folder, 'secrets', name)]
    }),
  )
}

// the certificate of the tests is signed by nobody, and is asked for by address
beforeEach(() => void vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0'))
afterEach(() => void vi.unstubAllEnvs())

describe('a secret', () => {
  test('has a row for its file, and every such row is of a secret', () => {
    const named = Object.keys(SETTINGS).filter(
      (name) => name.endsWith('_FILE') && name.replace(/_FILE$/, '') in SETTINGS,
    )
    expect(named.sort()).toEqual(SECRETS.map((name) => `${name}_FILE`).sort())
  })

  test('is in the list, where its name or its row says that it is one', () => {
    const said = Object.entries(SETTINGS).filter(
      ([name, { about }]) => /SECRET|PASSWORD|TOKEN|KEY|HEADERS/.test(name) || /\ba secret\b/.test(about),
    )
    const names = said.map(([name]) => name).filter((name) => !SECRETS.some((secret) => name === `${secret}_FILE`))
    // the key of the certificate is a file alone
    expect(names.filter((name) => !(SECRETS as readonly string[]).includes(name))).toEqual(['TLS_KEY_FILE'])
  })

  test('that is the key of the certificate is not told where its file is damaged, at the start and later', async () => {
    const folder = makeFolder()
    const { settings, canaries, pem } = keyOfCertificate(folder)
    const server = await startServer(folder, settings)
    const emitted: Record<string, string> = {}
    const refused = async (where: string, run: () => unknown): Promise<void> => {
      const error = await Promise.resolve()
        .then(run)
        .then(
          () => undefined,
          (reason: unknown) => reason,
        )
      expect(error, where).toBeInstanceOf(Error)
      emitted[where] = inspect(error, { depth: 5 })
    }
    for (const [i, damaged] of [pem.slice(0, -60), pem.replaceAll('-', ''), pem.replace('MIGH', 'MIGI')].entries()) {
      writeFileSync(settings.TLS_KEY_FILE, damaged)
      await refused(`the renewal, ${i}`, () => server.app.renewCertificate())
      await refused(`the start, ${i}`, () => startServer(makeFolder(), settings))
    }
    expectNone(emitted, canaries)
    for (const part of [pem, createPrivateKey(pem).export({ format: 'der', type: 'sec1' }).toString('hex')])
      expect(() => expectNone({ x: part }, canaries)).toThrow('TLS_KEY_FILE')
  })

  test.each(AROUND)('is in nothing that the server emits where %s', async (what, place) => {
    const folder = corpus()
    const { canaries, settings } = planted(folder, what === 'nobody is there')
    const server = await startServer(folder, { ...settings, ...(await place()), LOG_LEVEL: 'trace' })
    const oneTime = new URL(server.app.signInUrl as string).searchParams.get('token') as string
    const made = await server.ask(CREATE, {}, ['operator'])
    const { token } = made.data.createMachineToken
    await fetch(server.app.signInUrl as string)
    const emitted = await emittedBy(server)
    expectNone(
      { ...emitted, ...filesIn(join(folder, 'data'), /^$/) },
      { ...canaries, 'the sign-in token': oneTime, 'a machine token': token.split('.').at(-1) },
    )
    // what was looked for would have been found
    expect(() => expectNone({ x: `redis://somebody:${canaries.REDIS_URL}@x` }, canaries)).toThrow('REDIS_URL in x')
    expect(emitted['the log']).toContain('the flags have a problem')
    expect(emitted['the log']).toContain('Redis is away')
  })

  test.each(SECRETS)('%s is not told where it is malformed, in a file or not', (name) => {
    const folder = makeFolder()
    const canary = canaryOf(name)
    for (const value of [
      canary.slice(0, 20),
      `${canary} ${canary}`,
      `\0${canary}`,
      `${canary},,${canary}\nx`,
      `http://${canary}@x`,
    ]) {
      writeFileSync(join(folder, 'secret'), value, { mode: 0o600 })
      for (const settings of [
        { [name]: value },
        { [`${name}_FILE`]: join(folder, 'secret') },
        { [name]: value, [`${name}_FILE`]: value },
      ])
        try {
          readConfig({ ...settings, PORT: 'x' })
        } catch (error) {
          const { message, stack } = error as Error
          if (!(`${name}_FILE` in settings && settings[`${name}_FILE`] === value))
            expectNone({ message, stack: String(stack) }, { [name]: canary.slice(0, 20) })
        }
    }
  })

  test('is in nothing that the command line prints, and in no file that it leaves', async () => {
    const folder = corpus()
    const { canaries, settings, pem } = planted(folder, false)
    const environment = {
      ...settings,
      TRANSCRIPTS_DIR: join(folder, 'projects'),
      PORT: '0',
      CLICKHOUSE_EMBEDDED: 'off',
      LOG_LEVEL: 'trace',
      NODE_ENV: 'production',
    }
    const server = start(['serve'], folder, environment)
    await until('the server', () => server.stdout().includes('answers at') || undefined)
    const emitted: Record<string, string> = {}
    for (const args of COMMANDS) {
      // by a token that is good
      const { stdout, stderr } = await run(args, folder, { ...environment, TOKEN_BRIDGE_TOKEN: '' })
      emitted[args.join(' ')] = stdout + stderr
    }
    const refused = await run(['source'], folder, environment)
    expect(refused.code).toBe(1)
    emitted['source by the token'] = refused.stdout + refused.stderr
    writeFileSync(settings.TLS_KEY_FILE, pem.slice(0, -60))
    server.signal('SIGHUP')
    await until('the damaged key to be refused', () => server.stderr().includes('cannot be used') || undefined)
    server.signal('SIGTERM')
    const { stdout, stderr } = await server.ended
    expectNone({ ...emitted, stdout, stderr, ...filesIn(join(folder, '.token-bridge'), /^$/) }, canaries)
  })
})

const CREATE = 'mutation { createMachineToken(input: { userId: "m", roles: ["viewer"] }) { token } }'
const COMMANDS = [
  ['health'],
  ['health', '--json'],
  ['source'],
  ['migrate', 'status'],
  ['machine-token', 'list'],
  ['journal', 'status'],
  ['journal', 'check'],
  ['analyze', '--quality'],
  ['serve'],
]
