import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type * as Unleash from 'unleash-server'
import { createFlags } from './create-flags.ts'
import { freePort } from './free-port.ts'
import { startPostgres } from './postgres-server.ts'

export interface UnleashServer {
  /** For `UNLEASH_URL`. */
  apiUrl: string
  /** The admin page. */
  url: string
  /** For `UNLEASH_API_TOKEN`. */
  apiToken: string
  /** For the admin API. */
  adminToken: string
  user: string
  password: string
  stop(): Promise<void>
}

interface Secrets {
  apiToken: string
  adminToken: string
  password: string
  databasePassword: string
}

const USER = 'admin'

/** A real Unleash with a real PostgreSQL, both from the registry, and the flags of the bridge. 0 takes a free port. */
export async function startUnleash(folder: string, port: number): Promise<UnleashServer> {
  const secrets = loadSecrets(folder)
  const databasePort = await freePort()
  const postgres = await startPostgres(folder, databasePort, secrets.databasePassword)
  const listen = port === 0 ? await freePort() : port
  const url = `http://127.0.0.1:${listen}`
  // takes seconds to load: what is wrong with the folder is told before
  const { ApiTokenType, start } = await import('unleash-server')
  const unleash = await start({
    db: {
      user: 'postgres',
      password: secrets.databasePassword,
      host: '127.0.0.1',
      port: databasePort,
      database: 'unleash',
      ssl: false,
    },
    server: { port: listen, host: '127.0.0.1', serverMetrics: false, gracefulShutdownEnable: false, unleashUrl: url },
    versionCheck: { enable: false },
    telemetry: false,
    authentication: {
      initialAdminUser: { username: USER, password: secrets.password },
      initApiTokens: [
        token('bridge', 'development', ApiTokenType.BACKEND, secrets.apiToken),
        token('admin', '*', ApiTokenType.ADMIN, secrets.adminToken),
      ],
    },
  } as Parameters<typeof start>[0])
  await createFlags({ url, adminToken: secrets.adminToken })
  return {
    url,
    apiUrl: `${url}/api`,
    apiToken: secrets.apiToken,
    adminToken: secrets.adminToken,
    user: USER,
    password: secrets.password,
    async stop() {
      await unleash.stop()
      await postgres.stop()
    },
  }
}

const token = (tokenName: string, environment: string, type: Unleash.ApiTokenType, secret: string) => ({
  tokenName,
  environment,
  projects: ['*'],
  type,
  secret,
})

/** Made once and kept, so that a bridge that was pointed at it stays so. */
function loadSecrets(folder: string): Secrets {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'secrets.json')
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Secrets
  const random = (): string => randomBytes(16).toString('hex')
  const secrets: Secrets = {
    apiToken: `*:development.${random()}`,
    adminToken: `*:*.${random()}`,
    password: random(),
    databasePassword: random(),
  }
  writeFileSync(path, JSON.stringify(secrets), { mode: 0o600 })
  return secrets
}
