import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BIN, type Ended } from '../support/cli.ts'
import { printedCommands } from '../support/printed-commands.ts'
import { line, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

/** What no test can run as it is printed, and what is there instead. Whatever else is printed is run. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'docker build -t token-bridge .': 'needs Docker, as the next two do: docker-commands.test.ts runs them where it is',
}
const NEEDS_DOCKER = /^docker run /

/** What goes on until it is interrupted, and how it is known that it does what it is printed for. */
const FOLLOWS: readonly [RegExp, (said: string) => boolean][] = [
  [/^\.\/token-bridge push /, () => hasSent()],
  [/npm start$/, (said) => said.includes('curl ')],
  [/^npm run clickhouse/, (said) => said.includes('CLICKHOUSE_URL=')],
  [/^npx vite$/, (said) => said.includes('Local:')],
]
/** npm tells what it would install: a folder of its own, in which nothing is installed. */
const IN_FRESH_CLONE = /^npm (ci|run advisories)\b/

/** Names in printed commands in whose place readers put their own, with those of this test. */
const ownNames = (): [string, string][] => [
  ['http://bridge:4000', url],
  ['/somewhere/else', join(home, 'somewhere-else')],
  ['/backup/', `${join(home, 'backup')}/`],
  ['-- FOLDER', `-- ${join(home, '.claude')}`],
  ['npm run clickhouse', 'npm run clickhouse -- --port 0'],
]
/** Whatever is not named here ends with 0. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  // while it is isolated, as the runbook says
  'docs/runbooks/isolate.md: ./token-bridge health': 1,
}
/** What readers of a document have done before it: what was carried is rolled back by then, as `operations.md` has it. */
const BEFORE: Readonly<Record<string, string>> = {
  'docs/runbooks/guard.md: ./token-bridge migrate verify --repair': './token-bridge migrate start',
}
/** Run while the server starts. */
const NEEDS_NO_SERVER = /^(\.\/token-bridge (analyze|blocks)|npm|npx) ?/

let home = ''
let clone = ''
let fresh = ''
let registry: Server | undefined
let registryUrl = ''
let url = ''
let server: ChildProcess | undefined

/** A folder as a clone is, another one in which nothing was installed yet, and a home beside them. */
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'token-bridge-printed-'))
  clone = join(home, 'token-bridge')
  fresh = join(home, 'fresh')
  for (const folder of [clone, fresh]) {
    mkdirSync(folder)
    for (const name of ['package.json', 'package-lock.json']) copyFileSync(name, join(folder, name))
    for (const name of ['bin', 'scripts', 'src', 'token-bridge']) symlinkSync(resolve(name), join(folder, name))
  }
  symlinkSync(resolve('node_modules'), join(clone, 'node_modules'))
  cpSync('examples', join(clone, 'examples'), { recursive: true })
  standIns()
  // one that knows no advisories
  registry = createServer((_, response) => response.setHeader('content-type', 'application/json').end('{}'))
  await once(registry.listen(0, '127.0.0.1'), 'listening')
  registryUrl = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`
  plant()
  runEarly()
  await serve()
}, 120_000)

afterAll(async () => {
  if (server?.exitCode === null) {
    server.kill('SIGKILL')
    await once(server, 'close')
  }
  registry?.close()
  rmSync(home, { recursive: true, force: true })
})

/** What `npm test` starts where nothing is installed: the build, and the tests, of which this is one. */
function standIns(): void {
  mkdirSync(join(home, 'bin'))
  rmSync(join(fresh, 'scripts'))
  mkdirSync(join(fresh, 'scripts'))
  writeFileSync(join(fresh, 'scripts', 'build.js'), "console.log('built')\n")
  writeFileSync(join(home, 'bin', 'vitest'), '#!/bin/sh\n[ "$1" = run ]\n')
  chmodSync(join(home, 'bin', 'vitest'), 0o755)
}

function plant(): void {
  const shop = join(home, 'shop').replace(/[^a-zA-Z0-9]/g, '-')
  const now = new Date().toISOString()
  const lines = [
    line({ id: 'msg_1', model: 'claude-opus-4-1', time: now, usage: { output_tokens: 70 } }),
    line({ id: 'msg_2', time: '2026-04-02T09:00:00Z' }),
  ]
  writeTranscripts(join(home, '.claude'), { [`${shop}/session-1.jsonl`]: lines })
  for (const [i, who] of ['ann', 'bob'].entries())
    writeTranscripts(join(home, 'backup', who), { 'shop/a.jsonl': [line({ id: `msg_${i}` })] })
  writeFileSync(join(clone, 'records.jsonl'), `${JSON.stringify(RECORD)}\n`)
}

const RECORD = {
  sessionId: 'session-9',
  project: 'shop',
  model: 'claude-opus-4-1',
  occurredAt: '2026-04-05T00:00:00Z',
  tokens: { input: '1000', output: '1' },
  messageId: 'msg_9',
}

const settings = (): Record<string, string> => ({
  HOME: home,
  PATH: [join(home, 'bin'), dirname(process.execPath), process.env.PATH].join(delimiter),
  LOG_LEVEL: 'warn',
  PORT: '0',
  npm_config_update_notifier: 'false',
  npm_config_registry: registryUrl,
})

/** With an embedded database, and what the program's user has at home: as `npm start` does. */
async function serve(): Promise<void> {
  server = spawn(process.execPath, [BIN, 'serve'], {
    cwd: clone,
    env: { ...settings(), RESCAN_INTERVAL_MS: '300' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  server.stdout?.on('data', (chunk) => (said += chunk))
  server.stderr?.on('data', (chunk) => (said += chunk))
  await until('the server', () => {
    if (server?.exitCode !== null) throw new Error(said)
    return said.includes('curl ') || undefined
  })
  url = JSON.parse(readFileSync(join(clone, '.token-bridge', 'server.json'), 'utf8')).url
  writeFileSync(join(clone, 'token'), await tokenOf('./token-bridge token --user ann --roles ingester'))
  await until('the database', async () => ((await runLine('./token-bridge health')).code === 0 ? true : undefined))
}

const tokenOf = async (command: string): Promise<string> => (await runLine(command)).stdout

const withOwnNames = (command: string): string =>
  ownNames().reduce((text, [printed, own]) => text.replaceAll(printed, own), command)

/** What pushes remembers here how far it has come. */
const hasSent = (): boolean =>
  existsSync(pushed()) &&
  readdirSync(pushed())
    .filter((name) => name.endsWith('.ledger'))
    .some((name) => /"publishedTo":[1-9]/.test(readFileSync(join(pushed(), name), 'utf8')))
const pushed = (): string => join(clone, '.token-bridge', 'push')

function placeOf(command: string, path: string): { cwd: string; env: Record<string, string> } {
  // an installation of a thousand packages is what a test does not wait for
  if (IN_FRESH_CLONE.test(command)) return { cwd: fresh, env: { ...settings(), npm_config_dry_run: 'true' } }
  return { cwd: path.startsWith('examples/') ? join(clone, dirname(path)) : clone, env: settings() }
}

async function runLine(command: string, path = ''): Promise<Ended> {
  const [, doesIt] = FOLLOWS.find(([pattern]) => pattern.test(command)) ?? []
  const child = spawn('sh', ['-c', withOwnNames(command)], {
    ...placeOf(command, path),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const closed = once(child, 'close')
  if (doesIt === undefined) return { code: ((await closed) as [number | null])[0], stdout, stderr }
  const isDone = await until(
    `${command} to do it`,
    () => doesIt(stdout) || (child.exitCode !== null ? 'ended' : undefined),
  )
  // all of the line, as Ctrl-C does; its code is that of npm then, or of the shell
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT')
  const [code] = (await closed) as [number | null]
  return { code: isDone === true ? 0 : (code ?? 1), stdout, stderr }
}

const RUN = printedCommands().filter(({ command }) => !(command in NOT_RUN) && !NEEDS_DOCKER.test(command))

const early = new Map<string, Promise<Ended>>()

/** One after the other, beside all that waits for the server. */
function runEarly(): void {
  let last: Promise<unknown> = Promise.resolve()
  for (const { command, path } of RUN.filter((one) => NEEDS_NO_SERVER.test(one.command))) {
    const next = last.then(() => runLine(command, path))
    early.set(command, next)
    last = next
  }
}

test.each(RUN.map(({ path, command }) => [command, path] as const))(
  '%s (%s) does what it is printed for',
  async (command, path) => {
    const before = BEFORE[`${path}: ${command}`]
    if (before !== undefined) expect(await runLine(before, path)).toMatchObject({ code: 0 })
    const { code, stdout, stderr } = await (early.get(command) ?? runLine(command, path))
    expect(code, `${stdout}\n${stderr}`).toBe(EXIT_CODES[`${path}: ${command}`] ?? 0)
  },
)

test('there are many commands in the documents, and each that is said to be run by no test is printed', () => {
  expect(RUN.length).toBeGreaterThan(35)
  const printed = printedCommands().map(({ command }) => command)
  expect(printed).toEqual(expect.arrayContaining(Object.keys(NOT_RUN)))
  // npx takes seconds in a clone, which is where they are read
  expect(printed.filter((command) => command.startsWith('npx token-bridge'))).toEqual([])
})
