import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BIN, type Ended } from '../support/cli.ts'
import { printedCommands } from '../support/printed-commands.ts'
import { line, writeTranscripts } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

/** What no test can run as it is printed, and what is there instead. Whatever else is printed is run. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm ci': 'installs this very folder; .ci/smoke does it in a clone',
  'npm ci && npm start': 'the same, and serves until it is interrupted; the server below is what it starts',
  'npm ci && npm test': 'would run this test',
  'npm run advisories': 'asks the registry, which may not tell advisories',
  'npm run clickhouse': 'serves until it is interrupted: clickhouse-command.test.ts',
  'npx vite': 'serves until it is interrupted: dashboard-client.test.ts builds the same page and looks at it',
  'docker build -t token-bridge .': 'needs Docker, as the next two do: container.test.ts reads what it would build',
}
const NEEDS_DOCKER = /^docker run /

/** Names in printed commands in whose place readers put their own, with those of this test. */
const ownNames = (): [string, string][] => [
  ['http://bridge:4000', url],
  ['/somewhere/else', join(home, 'somewhere-else')],
  ['/backup/', `${join(home, 'backup')}/`],
  ['-- FOLDER', `-- ${join(home, '.claude')}`],
]
/** Whatever is not named here ends with 0. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  // while it is isolated, as the runbook says
  'docs/runbooks/isolate.md: npx token-bridge health': 1,
}
/** Run while the server starts. */
const NEEDS_NO_SERVER = /^(npx token-bridge (analyze|blocks)|npm run) ?/
const FOLLOWS = /^npx token-bridge push /

let home = ''
let clone = ''
let url = ''
let server: ChildProcess | undefined

/** A folder as a clone is, with a home beside it. `npx` starts the program at once: what npm does before is npx.test.ts's. */
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'token-bridge-printed-'))
  clone = join(home, 'token-bridge')
  mkdirSync(join(home, 'bin'), { recursive: true })
  mkdirSync(clone)
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(name, join(clone, name))
  for (const name of ['scripts', 'src', 'node_modules']) symlinkSync(resolve(name), join(clone, name))
  writeFileSync(
    join(home, 'bin', 'npx'),
    `#!/bin/sh\n[ "$1" = token-bridge ] || exit 127\nshift\nexec '${process.execPath}' '${BIN}' "$@"\n`,
  )
  chmodSync(join(home, 'bin', 'npx'), 0o755)
  plant()
  runEarly()
  await serve()
}, 120_000)

afterAll(async () => {
  if (server?.exitCode === null) {
    server.kill('SIGKILL')
    await once(server, 'close')
  }
  rmSync(home, { recursive: true, force: true })
})

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
  PATH: `${join(home, 'bin')}${delimiter}${process.env.PATH}`,
  LOG_LEVEL: 'warn',
})

/** With an embedded database, and what the program's user has at home: as `npm start` does. */
async function serve(): Promise<void> {
  server = spawn(process.execPath, [BIN, 'serve'], {
    cwd: clone,
    env: { ...settings(), PORT: '0', RESCAN_INTERVAL_MS: '300' },
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
  writeFileSync(join(clone, 'token'), await tokenOf('npx token-bridge token --user ann --roles ingester'))
  await until('the database', async () => ((await runLine('npx token-bridge health')).code === 0 ? true : undefined))
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

/** What follows something goes on until it is interrupted. */
async function runLine(command: string): Promise<Ended> {
  const child = spawn('sh', ['-c', `${FOLLOWS.test(command) ? 'exec ' : ''}${withOwnNames(command)}`], {
    cwd: clone,
    env: settings(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const closed = once(child, 'close')
  if (FOLLOWS.test(command)) {
    await until('it to have sent something', () => (hasSent() || child.exitCode !== null ? true : undefined))
    // all of the line, as Ctrl-C does
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT')
  }
  const [code] = (await closed) as [number | null]
  return { code, stdout, stderr }
}

const RUN = printedCommands().filter(({ command }) => !(command in NOT_RUN) && !NEEDS_DOCKER.test(command))

const early = new Map<string, Promise<Ended>>()

/** One after the other, beside all that waits for the server. */
function runEarly(): void {
  let last: Promise<unknown> = Promise.resolve()
  for (const { command } of RUN.filter((one) => NEEDS_NO_SERVER.test(one.command))) {
    const next = last.then(() => runLine(command))
    early.set(command, next)
    last = next
  }
}

test.each(RUN.map(({ path, command }) => [command, path] as const))(
  '%s (%s) does what it is printed for',
  async (command, path) => {
    const { code, stdout, stderr } = await (early.get(command) ?? runLine(command))
    expect(code, `${stdout}\n${stderr}`).toBe(EXIT_CODES[`${path}: ${command}`] ?? 0)
  },
)

test('there are many commands in the documents, and each that is said to be run by no test is printed', () => {
  expect(RUN.length).toBeGreaterThan(35)
  const printed = printedCommands().map(({ command }) => command)
  expect(printed).toEqual(expect.arrayContaining(Object.keys(NOT_RUN)))
})
