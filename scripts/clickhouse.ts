// npm run clickhouse: a real ClickHouse server, until it is interrupted.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startClickHouse } from './clickhouse-server.ts'

const HELP = `usage: npm run clickhouse -- [--port 8123] [--native-port N] [--data .token-bridge/clickhouse-server] [--json]

Starts a ClickHouse server out of the library that comes with chDB, and prints how to point the bridge at it. It
listens on this machine alone, and ends with this command. --json prints that as one line of JSON. --port 0 takes a
free port; --native-port opens the port of clickhouse-client, too.`

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8123' },
    'native-port': { type: 'string' },
    data: { type: 'string', default: '.token-bridge/clickhouse-server' },
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

function portOf(name: string, text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port < 65536) return port
  process.stderr.write(`clickhouse: --${name} must be a port, not ${text}\n`)
  process.exit(2)
}

const password = loadPassword()
const nativePort = values['native-port']
const port = portOf('port', values.port)
try {
  const server = await startClickHouse({
    folder: join(folder, 'data'),
    port,
    nativePort: nativePort === undefined ? undefined : portOf('native-port', nativePort),
    users: [{ name: USER, password }],
  })
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ url: server.url, user: USER, password, pid: server.pid })}\n`
      : `ClickHouse runs at ${server.url}; its data is in ${folder}.
Point the bridge at it:
CLICKHOUSE_URL=${server.url} CLICKHOUSE_USER=${USER} CLICKHOUSE_PASSWORD=${password} npm start
`,
  )
  const end = (): void => void server.stop().then(() => process.exit(0))
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
  server.ended.then(() => {
    process.stderr.write('clickhouse: the server has ended\n')
    process.exit(1)
  })
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  process.stderr.write(
    `clickhouse: ${code === 'EADDRINUSE' ? `port ${port} is taken: choose another --port` : message}\n`,
  )
  process.exit(1)
}
