import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { startServer } from '../support/server.ts'
import { makeFolder } from '../support/transcripts.ts'

const SECRET = 'a secret of enough bytes for HS256!'

describe('a secret in a file', () => {
  test('is the setting, without the line end that editors add', async () => {
    const folder = makeFolder()
    const path = join(folder, 'secret')
    writeFileSync(path, `${SECRET}\n`)
    const server = await startServer(folder, { AUTH_JWT_SECRET_FILE: path })
    expect((await server.ask('{ viewer { userId } }')).status).toBe(200)
    expect(readConfig({ AUTH_JWT_SECRET_FILE: path }).auth.jwtSecrets).toEqual([SECRET])
  })

  test.each([
    ['CLICKHOUSE_PASSWORD', 'hush', (config: ReturnType<typeof readConfig>) => config.clickhouse.password],
    ['UNLEASH_API_TOKEN', '*:*.hush', (config) => config.unleash.apiToken],
    ['REDIS_URL', 'redis://:hush@localhost:6379', (config) => config.redisUrl],
  ] as [string, string, (config: ReturnType<typeof readConfig>) => unknown][])(
    'may be %s',
    (name, value, settingOf) => {
      const path = join(makeFolder(), 'secret')
      writeFileSync(path, `${value}\n`)
      expect(settingOf(readConfig({ [`${name}_FILE`]: path }))).toBe(value)
    },
  )

  test('that others may read is told with its file and what helps, and only then', async () => {
    const folder = makeFolder()
    const path = join(folder, 'secret')
    writeFileSync(path, SECRET)
    for (const [mode, isTold] of [
      [0o644, true],
      [0o640, true],
      [0o604, true],
      [0o600, false],
      [0o400, false],
    ] as const) {
      chmodSync(path, mode)
      const server = await startServer(folder, { AUTH_JWT_SECRET_FILE: path })
      const told = server.log().includes(`AUTH_JWT_SECRET_FILE ${path} can be read by others: chmod 600 it`)
      expect([mode, told]).toEqual([mode, isTold])
      expect(server.log()).not.toContain(SECRET)
      await server.close()
    }
  })

  test('that is the key of the certificate is told as the others are', async () => {
    const folder = makeFolder()
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    copyFileSync('test/fixtures/tls/first-cert.pem', cert)
    copyFileSync('test/fixtures/tls/first-key.pem', key)
    for (const mode of [0o644, 0o600]) {
      chmodSync(key, mode)
      const server = await startServer(folder, { TLS_CERT_FILE: cert, TLS_KEY_FILE: key })
      const told = server.log().includes(`TLS_KEY_FILE ${key} can be read by others: chmod 600 it`)
      expect(told).toBe(mode === 0o644)
      await server.close()
    }
  })

  test.runIf(existsSync('/dev/shm'))('that a container engine has mounted is as it should be', () => {
    const mounted = mkdtempSync('/dev/shm/token-bridge-secret-')
    onTestFinished(() => rmSync(mounted, { recursive: true }))
    const path = join(mounted, 'secret')
    writeFileSync(path, SECRET, { mode: 0o644 })
    chmodSync(path, 0o644)
    // as root: its own are those of a container engine
    const isOfRoot = process.getuid?.() === 0
    expect(readConfig({ AUTH_JWT_SECRET_FILE: path }).warnings).toHaveLength(isOfRoot ? 0 : 1)
  })

  test('that cannot be read, is empty, too large or set twice, is told with its file, and never shown', () => {
    const folder = makeFolder()
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    mkdirSync(join(folder, 'folder'))
    const told = (settings: Record<string, string>): string => {
      try {
        readConfig(settings)
        return 'nothing'
      } catch (error) {
        return (error as Error).message
      }
    }
    const missing = join(folder, 'missing')
    expect(told({ AUTH_JWT_SECRET_FILE: missing })).toContain(`AUTH_JWT_SECRET_FILE ${missing} cannot be read (ENOENT)`)
    expect(told({ AUTH_JWT_SECRET_FILE: join(folder, 'folder') })).toContain('cannot be read (EISDIR)')
    expect(told({ AUTH_JWT_SECRET_FILE: file('empty', ' \n') })).toContain('is empty')
    expect(told({ AUTH_JWT_SECRET_FILE: file('large', 'x'.repeat(70_000)) })).toContain('is larger than')
    expect(told({ AUTH_JWT_SECRET_FILE: file('good', SECRET), AUTH_JWT_SECRET: SECRET })).toContain('both set')
    const short = told({ AUTH_JWT_SECRET_FILE: file('short', 'hush'), PORT: 'x' })
    expect(short).toMatch(/AUTH_JWT_SECRET must have at least 32 bytes/)
    expect(short).toMatch(/PORT must be/)
    expect(short).not.toContain('hush')
  })
})
