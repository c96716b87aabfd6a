import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SignJWT } from 'jose'
import { loadMadeSecret } from '../../src/access/secret.ts'
import { DEFAULT_ISSUER, SECRET_ALGORITHM } from '../../src/access/tokens.ts'
import { post } from '../support/graphql-client.ts'

/** A real server, to which anything may be done. */
export interface Server {
  /** `undefined` where it was killed before it answered. */
  ask(query: string, variables?: object, user?: string): Promise<Answer | undefined>
  /** Why the last question without an answer had none. */
  whyNoAnswer(): string
  isAlive(): boolean
  /** Settles when it has come to the moment of `STALL_AT`, and stopped there. */
  stalled: Promise<void>
  /** Settles with its exit code when it has ended; `null`: it was killed. */
  ended: Promise<number | null>
  /** The end of what it logged, where nobody else is shown it. */
  said(): string
  /** Stops it where it is (SIGSTOP). */
  stop(): void
  /** Lets it go on (SIGCONT). */
  resume(): void
  kill(): Promise<void>
}

export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: answers have the shape that each question asks for
  data?: any
  errors?: { message: string; path?: (string | number)[]; extensions: { code: string } }[]
}

export interface ServerOptions {
  /** The home of its user, with the transcripts in `projects`. */
  folder: string
  dataDir: string
  settings: Record<string, string>
  /** How long it is stopped where it comes to the moment of `STALL_AT`; absent: until `resume`. */
  stallMs?: number | undefined
  /** What it logs is expected, and shown to nobody. */
  isQuiet: boolean
}

const BIN = fileURLToPath(new URL('../../bin/token-bridge.js', import.meta.url))
const PRELOAD = new URL('./preload.ts', import.meta.url).href
const START_MS = 120_000
const SAID_BYTES = 4000
/** More than the clock of any server is wrong. */
const TOKEN_SECONDS = 3 * 86_400

/** A server that answers; `undefined` where it was killed before it did. */
export async function startServer(options: ServerOptions): Promise<Server | undefined> {
  const { folder, dataDir, settings, stallMs, isQuiet } = options
  rmSync(join(dataDir, 'server.json'), { force: true })
  const child = spawn(process.execPath, [BIN, 'serve'], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      DATA_DIR: dataDir,
      TRANSCRIPTS_DIR: join(folder, 'projects'),
      PORT: '0',
      LOG_LEVEL: 'warn',
      RESCAN_INTERVAL_MS: '300',
      SCAN_THREADS: '0',
      NODE_OPTIONS: `--import=${PRELOAD}`,
      ...settings,
    },
    stdio: ['ignore', 'pipe', isQuiet ? 'pipe' : 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said = (said + String(chunk)).slice(-SAID_BYTES)
  })
  const stalled = new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk) => String(chunk).includes('stalled') && resolve())
  })
  if (stallMs !== undefined) void stalled.then(() => sleep(stallMs)).then(() => child.kill('SIGCONT'))
  const url = await readUrl(child, join(dataDir, 'server.json'))
  if (url === undefined) {
    const code = await ended
    if (code !== null) throw new Error(`the server ended by itself, with code ${code}: ${said}`)
    return undefined
  }
  const given = settings.AUTH_JWT_SECRET
  const secret = given === undefined ? loadMadeSecret(dataDir) : Buffer.from(given)
  const tokens = new Map<string, Promise<string>>()
  const tokenOf = (user: string): Promise<string> => {
    const token = tokens.get(user) ?? signFor(secret, user)
    tokens.set(user, token)
    return token
  }
  let whyNoAnswer = ''
  return {
    whyNoAnswer: () => whyNoAnswer,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    async ask(query, variables = {}, user = 'judge') {
      const token = await tokenOf(user)
      try {
        return (await post(url, token, { query, variables })) as Answer
      } catch (error) {
        // most likely it was killed
        whyNoAnswer = String((error as Error).cause ?? error)
        return undefined
      }
    },
    stalled,
    ended,
    said: () => said,
    stop: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** The address once questions are answered; `undefined` where the process ended before. */
async function readUrl(child: ChildProcess, path: string): Promise<string | undefined> {
  let ready = false
  child.stdout?.on('data', (chunk) => {
    if (String(chunk).includes('curl ')) ready = true
  })
  const deadline = Date.now() + START_MS
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) return undefined
    if (ready && existsSync(path)) return (JSON.parse(readFileSync(path, 'utf8')) as { url: string }).url
    await sleep(5)
  }
  child.kill('SIGKILL')
  throw new Error('the server did not start in time')
}

/** A token that no server takes for one of the future, or for one that is over, whatever its clock says. */
function signFor(secret: Uint8Array, user: string): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({ roles: ['viewer', 'ingester', 'operator'] })
    .setProtectedHeader({ alg: SECRET_ALGORITHM })
    .setIssuer(DEFAULT_ISSUER)
    .setSubject(user)
    .setIssuedAt(now - TOKEN_SECONDS)
    .setExpirationTime(now + TOKEN_SECONDS)
    .sign(secret)
}
