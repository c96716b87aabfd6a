import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConfigError, readConfig } from '../../../src/config.ts'
import { isLoopback } from '../../../src/domain/loopback.ts'
import { SETTINGS } from '../../../src/settings.ts'
import { damage, ODD_TEXTS, runs } from '../../support/mutations.ts'

const VALID = [
  ...['0', '4000', '0.5', 'on', 'off', 'production', 'debug', 'a,b', 'https://x.example:8443', 'http://localhost/api'],
  ...['redis://:x@localhost:6379', '10.0.0.0/8,::1', '[::1],x.example', '0'.repeat(64), 'k'.repeat(40), '~/x,ann@h=/y'],
]
const odd = fc.oneof(
  fc.constantFrom(...VALID, ...ODD_TEXTS),
  fc.tuple(fc.constantFrom(...VALID), damage).map(([text, harm]) => harm(Buffer.from(text)).toString('utf8')),
)
const settings = fc.dictionary(fc.constantFrom(...Object.keys(SETTINGS), 'NODE_TLS_REJECT_UNAUTHORIZED'), odd, {
  maxKeys: 6,
})

test('settings of any text are read by their rules, or every mistake is listed, never a stack', () => {
  const names = Object.keys(SETTINGS)
  let [accepted, refused] = [0, 0]
  fc.assert(
    fc.property(settings, (given) => {
      let config: ReturnType<typeof readConfig>
      try {
        config = readConfig({ HOME: '/home/ann', ...given })
      } catch (error) {
        refused++
        expect(error).toBeInstanceOf(ConfigError)
        const { message } = error as Error
        expect(message).toMatch(/^invalid settings: /)
        expect(message).not.toMatch(/\n\s+at /)
        expect(names.some((name) => message.includes(name)) || message.includes('NODE_TLS')).toBe(true)
        return
      }
      accepted++
      expect(config.port).toBe(given.PORT?.trim() ? Number(given.PORT) : 4000)
      expect(config.port >= 0 && config.port <= 65_535 && Number.isInteger(config.port)).toBe(true)
      expect(config.migrationProgressThreshold >= 0 && config.migrationProgressThreshold <= 1).toBe(true)
      for (const network of config.trustedProxies) expect(Number(network.split('/')[1] ?? 1)).toBeGreaterThan(0)
      for (const secret of config.auth.jwtSecrets) expect(Buffer.byteLength(secret)).toBeGreaterThanOrEqual(32)
      for (const host of [...config.allowedHosts, ...config.privateHosts]) expect(host).toMatch(/^[^\s/?#@\\*]+$/)
      for (const origin of config.corsOrigins) expect(new URL(origin).origin).toBe(origin)
      const isReached = !isLoopback(config.host) || config.trustedProxies.length > 0
      const said = given.NODE_ENV?.trim()
      expect(config.isProduction).toBe(said === 'production' || (isReached && said !== 'development'))
    }),
    runs(1500),
  )
  expect(Math.min(accepted, refused)).toBeGreaterThan(0)
})
