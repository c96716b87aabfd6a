import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { count } from '../../src/domain/counted.ts'
import { ask } from '../../test/support/graphql-client.ts'
import type { RunningUnleash } from '../../test/support/unleash.ts'
import { differences, type Expected, type Metrics, QUESTION } from './planted.ts'
import { lookUntil, within } from './waiting.ts'

const BIN = fileURLToPath(new URL('../../bin/token-bridge.js', import.meta.url))
const PRELOAD = new URL('../../test/faults/preload.ts', import.meta.url).href
/** Longer than any clock is ahead. */
export const TOKEN_TTL = '1d'
const started = performance.now()

export interface Server {
  url: string
  /** Of a viewer, ingester and operator. */
  token: string
  /** Sends a signal, and waits until it has ended. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

export type Settings = Record<string, string>

/** One part of the recorded run: the program as its users have it, in a folder of its own. */
export interface Recording {
  folder: string
  say(text: string): void
  check(what: string, ok: boolean, detail?: string): void
  /** Runs the program to its end. Throws where it ends with another exit code than the one that is expected. */
  run(args: readonly string[], more?: Settings, code?: number | 'any'): Promise<string>
  start(unleash: RunningUnleash, settings: Settings): Promise<Server>
  /** The clock of the machine is ahead by so much, for all that is started from now on. */
  setClockAhead(ms: number): void
  /** Asks until an answer comes from a source, with everything counted, and compares it. */
  expectFrom(server: Server, source: string, expected: Expected, what: string): Promise<void>
  failures(): number
  remove(): void
}

export const say = (text: string): void => {
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}\n`)
}

/** What a command printed, below a line of the record. */
export const indented = (output: string): string => output.trim().replaceAll('\n', '\n          ')

export const metricsOf = async ({ url, token }: Pick<Server, 'url' | 'token'>, filter: object = {}): Promise<Metrics> =>
  ((await ask(url, token, QUESTION, { filter })) as { tokenMetrics: Metrics }).tokenMetrics

export function openRecording(name: string): Recording {
  const folder = mkdtempSync(join(tmpdir(), `token-bridge-${name}-`))
  mkdirSync(join(folder, 'home'))
  const environment: Settings = {
    PATH: process.env.PATH ?? '',
    HOME: join(folder, 'home'),
    DATA_DIR: join(folder, 'data'),
    ...(process.env.REDIS_URL ? { REDIS_URL: process.env.REDIS_URL } : {}),
  }
  let failures = 0
  const check: Recording['check'] = (what, ok, detail = '') => {
    say(`${ok ? 'ok  ' : 'FAIL'} ${what}${ok || detail === '' ? '' : `: ${detail}`}`)
    if (!ok) failures++
  }
  const run: Recording['run'] = (args, more, code = 0) => runProgram(args, { ...environment, ...more }, code)
  return {
    folder,
    say,
    check,
    run,
    async start(unleash, settings) {
      const { apiUrl: UNLEASH_URL, apiToken: UNLEASH_API_TOKEN } = unleash
      const own = { PORT: '0', LOG_LEVEL: 'warn', UNLEASH_URL, UNLEASH_API_TOKEN }
      const end = await startProgram({ ...environment, ...own, ...settings })
      const { url } = JSON.parse(readFileSync(join(folder, 'data', 'server.json'), 'utf8')) as { url: string }
      const who = ['--user', 'ann', '--roles', 'viewer,ingester,operator', '--ttl', TOKEN_TTL]
      return { url, token: (await run(['token', ...who])).trim(), end }
    },
    setClockAhead(ms) {
      Object.assign(environment, { NODE_OPTIONS: `--import=${PRELOAD}`, CLOCK_SHIFT_MS: String(ms) })
    },
    async expectFrom(server, source, expected, what) {
      const differ = (metrics: Metrics): string[] => [
        ...(metrics.provenance.source === source ? [] : [`not from ${source}`]),
        ...differences(metrics, expected),
      ]
      // a cached answer may be stale for a moment, and new lines take one to be noticed
      const { seen, found } = await lookUntil(
        what,
        () => metricsOf(server),
        (metrics) => differ(metrics).length === 0,
      )
      const { provenance, tokens, recordCount } = seen
      check(
        `${what}: ${provenance.source} (${provenance.reason}), ${count(tokens.total ?? '', 'token')} in ${count(recordCount, 'record')}`,
        found,
        differ(seen).join('; '),
      )
    },
    failures: () => failures,
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  }
}

async function runProgram(args: readonly string[], env: Settings, expected: number | 'any'): Promise<string> {
  const what = `token-bridge ${args.join(' ')}`
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk))
  const [code] = await within(what, child, () => output, once(child, 'close'))
  if (code !== expected && expected !== 'any') throw new Error(`${what} ended with code ${code}: ${output}`)
  return output
}

/** A server that answers; returns what ends it. */
async function startProgram(env: Settings): Promise<Server['end']> {
  const child = spawn(process.execPath, [BIN, 'serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  const answers = new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      output += chunk
      if (output.includes('curl ')) resolve()
    })
    child.on('exit', (code) => reject(new Error(`the server ended with code ${code}: ${output}`)))
  })
  const ended = once(child, 'exit')
  await within('the server', child, () => output, answers)
  return async (signal) => {
    child.kill(signal)
    await within('the end of the server', child, () => output, ended)
  }
}
