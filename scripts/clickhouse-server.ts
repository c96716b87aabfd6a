import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

export interface ClickHouseUser {
  name: string
  password: string
  /** What it may do, such as `GRANT SELECT ON db.*`; absent: everything. */
  grants?: readonly string[]
}

export interface ClickHouseServerOptions {
  /** Of its data; one server at a time. */
  folder: string
  /** 0 takes a free port. */
  port: number
  /** Of ClickHouse's native protocol; 0 takes a free port, absent: none. */
  nativePort?: number | undefined
  /** For how long it keeps a connection on which nothing is asked; absent: as long as ClickHouse does by itself. */
  keepAliveSeconds?: number | undefined
  /** Each from this machine. */
  users: readonly ClickHouseUser[]
}

export interface ClickHouseProcess {
  /** For `CLICKHOUSE_URL`. */
  url: string
  pid: number
  /** Settles when it has ended, by itself or by whoever stopped it. */
  ended: Promise<unknown>
  /** Ends it at once, as a crash would; what was acknowledged is on disk. */
  stop(): Promise<void>
}

const STARTS_WITHIN_MS = 30_000
const ASK_EVERY_MS = 50

/**
 * A real ClickHouse server, out of chDB's library: its own HTTP interface, statements side by side, `KILL QUERY`. It
 * listens on the loopback alone, and ends when this process ends. Rejects with EADDRINUSE where a port is taken, else
 * with what the server said.
 */
export async function startClickHouse(options: ClickHouseServerOptions): Promise<ClickHouseProcess> {
  const folder = resolve(options.folder)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const port = await freePort(options.port)
  const url = `http://127.0.0.1:${port}`
  const { users, keepAliveSeconds } = options
  const nativePort = options.nativePort === undefined ? undefined : await freePort(options.nativePort)
  const statements = [
    'SYSTEM START LISTEN HTTP',
    ...(nativePort === undefined ? [] : ['SYSTEM START LISTEN TCP']),
    WAIT,
  ]
  const engine = spawnEngine([
    `--config-file=${writeConfig(folder, { port, nativePort, keepAliveSeconds, users, statements: statements.length })}`,
    `--path=${folder}`,
    `--query=${statements.join(';')}`,
  ])
  const { child } = engine
  const ended = once(child, 'exit')
  await untilItAnswers(url, engine)
  return {
    url,
    pid: child.pid as number,
    ended,
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Never ends: the library listens for as long as its command line has something to do. */
const WAIT =
  'SELECT sleepEachRow(3) FROM system.numbers SETTINGS max_block_size = 1, max_execution_time = 0, function_sleep_max_microseconds_per_block = 0 FORMAT Null'

interface Engine {
  child: ChildProcess
  /** What it has said, which is why it ended. */
  said(): string
}

function spawnEngine(args: readonly string[]): Engine {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'clickhouse-engine.ts')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // what interrupts this process at a terminal is not meant for it
    detached: true,
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      text = (text + String(chunk)).slice(-2000)
    })
  child.stdin?.on('error', () => undefined)
  child.stdin?.write(`${JSON.stringify(args)}\n`)
  return { child, said: () => text.trim() }
}

/** Asks for `/ping` until it is answered. Throws with what the server said where it ends instead. */
async function untilItAnswers(url: string, { child, said }: Engine): Promise<void> {
  const until = Date.now() + STARTS_WITHIN_MS
  while (Date.now() < until) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the ClickHouse server ended: ${said() || `exit code ${child.exitCode}`}`)
    const answer = await fetch(`${url}/ping`).catch(() => undefined)
    if (answer?.ok === true && child.exitCode === null) return
    await sleep(ASK_EVERY_MS)
  }
  child.kill('SIGKILL')
  throw new Error(`the ClickHouse server does not answer at ${url}: ${said()}`)
}

interface ConfigOptions extends Pick<ClickHouseServerOptions, 'port' | 'nativePort' | 'keepAliveSeconds' | 'users'> {
  /** Of the command line. */
  statements: number
}

function writeConfig(folder: string, what: ConfigOptions): string {
  const users = join(folder, 'users.xml')
  writeFileSync(users, usersXml(what), { mode: 0o600 })
  const config = join(folder, 'config.xml')
  writeFileSync(
    config,
    `<clickhouse>
  <logger><level>none</level></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>${what.port}</http_port>
  ${what.nativePort === undefined ? '' : `<tcp_port>${what.nativePort}</tcp_port>`}
  ${what.keepAliveSeconds === undefined ? '' : `<keep_alive_timeout>${what.keepAliveSeconds}</keep_alive_timeout>`}
  <users_config>${escaped(users)}</users_config>
  <access_control_improvements><table_engines_require_grant>true</table_engines_require_grant></access_control_improvements>
</clickhouse>
`,
    { mode: 0o600 },
  )
  return config
}

/**
 * The command line itself is the user `default`, who can have no password and must be let in from this machine. So it may
 * do what the command line does, and its quota is as many statements as the command line has: nobody else gets one, until
 * the quota's interval ends in 2033.
 */
function usersXml({ users, statements }: ConfigOptions): string {
  const user = ({ name, password, grants }: ClickHouseUser): string => `<${name}>
      <password_sha256_hex>${createHash('sha256').update(password).digest('hex')}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      ${grants === undefined ? '<access_management>1</access_management>' : `<grants>${grants.map(queryXml).join('')}</grants>`}
    </${name}>`
  return `<clickhouse>
  <profiles><default/></profiles>
  <quotas>
    <default/>
    <command><interval><duration>1000000000</duration><queries>${statements}</queries></interval></command>
  </quotas>
  <users>
    <default>
      <password/>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>command</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT SELECT ON system.numbers</query>
      </grants>
    </default>
    ${users.map(user).join('\n    ')}
  </users>
</clickhouse>
`
}

const queryXml = (query: string): string => `<query>${escaped(query)}</query>`

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
