// npm run clickhouse: a real ClickHouse server, until it is interrupted.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { lockPathOf, takeLock } from '../src/process-lock.ts'
import { type ClickHouseUser, startClickHouse } from './clickhouse-server.ts'
import { usersIn } from './clickhouse-users.ts'

const HELP = `usage: npm run clickhouse -- [--port 8123] [--native-port N] [--data .token-bridge/clickhouse-server] [--users FILE] [--json]

Starts a ClickHouse server out of the library that comes with chDB, and prints how to point the bridge at it. It
listens on this machine alone, and ends with this command. --json prints that as one line of JSON. --port 0 takes a
free port; --native-port opens the port of clickhouse-client, too. --users makes the users of a file of statements, such
as docs/clickhouse-users.sql; where a password is left out (…) it is that of the user bridge, who may do everything.`

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8123' },
    'native-port': { type: 'string' },
    data: { type: 'string', default: '.token-bridge/clickhouse-server' },
    users: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(`${HELP}\n`)
  process.exit(0)
}

const USER = 'bridge'
const folder = resolve(values.data)

/** Made once and kept, so that a bridge that was pointed at it stays so. */
function loadPassword(): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'password')
  if (existsSync(path)) return readFileSync(path, 'utf8')
  const password = randomBytes(16).toString('hex')
  writeFileSync(path, password, { mode: 0o600 })
  return password
}

/** In the documented statements a password is left out. */
const LEFT_OUT = '…'

function moreUsers(path: string, password: string): ClickHouseUser[] {
  try {
    return usersIn(readFileSync(path, 'utf8')).map((user) =>
      user.password === LEFT_OUT ? { ...user, password } : user,
    )
  } catch (error) {
    return fail(`--users ${path}: ${(error as Error).message}`)
  }
}

function portOf(name: string, text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port < 65536) return port
  return fail(`--${name} must be a port, not ${text}`, 2)
}

function fail(problem: string, code = 1): never {
  process.stderr.write(`clickhouse: ${problem}\n`)
  process.exit(code)
}

const port = portOf('port', values.port)
const nativePort = values['native-port'] === undefined ? undefined : portOf('native-port', values['native-port'])
const data = join(folder, 'data')
try {
  if (takeLock(lockPathOf(data)) === undefined)
    fail(`another server uses the folder ${values.data}: choose another --data`)
  const password = loadPassword()
  const more = values.users === undefined ? [] : moreUsers(values.users, password)
  const users = [{ name: USER, password }, ...more]
  const server = await startClickHouse({ folder: data, port, nativePort, users })
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ url: server.url, user: USER, password, pid: server.pid })}\n`
      : `ClickHouse runs at ${server.url}; its data is in ${folder}.
Point the bridge at it:
CLICKHOUSE_URL=${server.url} CLICKHOUSE_USER=${USER} CLICKHOUSE_PASSWORD=${password} npm start
${more.length === 0 ? '' : `Users of ${values.users}: ${more.map(({ name }) => name).join(', ')}\n`}`,
  )
  let ending = false
  const end = (): void => {
    ending = true
    server.stop().then(() => process.exit(0))
  }
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
  server.ended.then(() => ending || fail('the server has ended'))
} catch (error) {
  const { code, message, port: taken } = error as NodeJS.ErrnoException & { port?: number }
  const setting = taken === port ? '--port' : '--native-port'
  fail(code === 'EADDRINUSE' ? `port ${taken} is taken: choose another ${setting}` : message)
}
