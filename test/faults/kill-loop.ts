import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createRandom, type Random } from '../../corpus/random.ts'
import { loadMadeSecret } from '../../src/access/secret.ts'
import { signToken } from '../../src/access/tokens.ts'
import { post } from '../support/graphql-client.ts'
import { type Answer, createWorld, FINISH_MS, type Server } from './kill-world.ts'
import { RUNS, SHIPPING } from './moments.ts'
import { startMortalClickHouse } from './mortal-clickhouse.ts'

/**
 * Kills a real server again and again while it migrates, ships and ingests, and judges what it says after each
 * restart. The judge knows only what it planted in the transcripts and what was acknowledged to it; it shares
 * no code with the counter.
 */
export interface KillLoopOptions {
  kills: number
  seed: number
  /** A step that is broken on purpose (`preload.ts`). */
  broken?: string
  /** The one moment (`NAME:before|after:N`) to kill at, waited for however long that takes; else moments are drawn. */
  at?: string
  /** Whether each life begins with everything carried: what breaks a rollback shows only where there is something. */
  carried?: boolean
  /** Whether runs are paused, resumed, verified and rolled back meanwhile; a rollback mends what was lost before it. */
  operated?: boolean
  /** Whether it works with a ClickHouse server, which is killed and started again now and then; else embedded. */
  clickhouseServer?: boolean
  onKill?: (kill: number, moment: string) => void
}

export interface KillLoopReport {
  kills: number
  /** Moments at which it was killed, and how often. */
  moments: Record<string, number>
  /** Of the ClickHouse server. */
  crashes: number
  acknowledged: number
  /** What differed from what was planted and acknowledged; nothing, if all is well. */
  differences: string[]
}

const BIN = fileURLToPath(new URL('../../bin/token-bridge.js', import.meta.url))
const PRELOAD = new URL('./preload.ts', import.meta.url).href
const LONGEST_LIFE_MS = 1500
/** A ClickHouse server crashes at the latest so long after a life began, which is while the bridge starts or lives. */
const CRASH_MS = 2500
const START_MS = 120_000

export async function runKillLoop(options: KillLoopOptions): Promise<KillLoopReport> {
  const { kills, at, operated = true } = options
  const random = createRandom(options.seed)
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-kill-'))
  const clickhouse = options.clickhouseServer ? await startMortalClickHouse(join(folder, 'clickhouse')) : undefined
  const world = createWorld(folder, random, operated)
  const moments: Record<string, number> = {}
  const differences: string[] = []
  let server: Server | undefined
  const start = async (planted: string): Promise<Server | undefined> => {
    const killAt: Record<string, string> = planted === 'random' ? {} : { KILL_AT: planted }
    server = await startServer(folder, { ...clickhouse?.settings, ...killAt }, options.broken)
    return server
  }
  const live = async (planted: string, life: number): Promise<void> => {
    const alive = await start(planted)
    if (alive === undefined) return
    differences.push(...(await world.judge(alive, 'LEGACY', `restart ${life}`)))
    if (options.carried) await world.finish(alive)
    await world.live(alive, at === undefined ? random.between(50, LONGEST_LIFE_MS) : FINISH_MS)
    await alive.kill()
  }
  world.plant(3, 400)
  try {
    for (let kill = 0; kill < kills; kill++) {
      const planted = at ?? drawMoment(random, operated)
      const crash = clickhouse !== undefined && random.chance(0.4) && clickhouse.crashAfter(random.between(0, CRASH_MS))
      await Promise.all([live(planted, kill), crash])
      moments[planted] = (moments[planted] ?? 0) + 1
      options.onKill?.(kill + 1, planted)
      world.plant(1, random.between(1, 50))
    }
    const last = await start('random')
    if (last === undefined) throw new Error('the server does not start any more')
    await world.finish(last)
    for (const source of ['LEGACY', 'CLICKHOUSE']) differences.push(...(await world.judge(last, source, 'end')))
    if (!last.isAlive()) throw new Error('the server ended by itself')
    return { kills, moments, crashes: clickhouse?.crashes() ?? 0, acknowledged: world.acknowledged(), differences }
  } finally {
    await server?.kill()
    await clickhouse?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A planted moment; what is not reached in time is killed at random. */
const drawMoment = (random: Random, operated: boolean): string =>
  random.chance(0.7)
    ? `${random.pick(operated ? [...SHIPPING, ...RUNS] : SHIPPING)}:${random.pick(['before', 'after'])}:${random.between(1, 3)}`
    : 'random'

/** A server that answers; `undefined` where it was killed before it did. */
async function startServer(
  folder: string,
  more: Record<string, string>,
  broken: string | undefined,
): Promise<Server | undefined> {
  const data = join(folder, 'data')
  rmSync(join(data, 'server.json'), { force: true })
  const child = spawn(process.execPath, [BIN, 'serve'], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      DATA_DIR: data,
      TRANSCRIPTS_DIR: join(folder, 'projects'),
      PORT: '0',
      LOG_LEVEL: 'warn',
      RESCAN_INTERVAL_MS: '300',
      SCAN_THREADS: '0',
      NODE_OPTIONS: `--import=${PRELOAD}`,
      ...(broken === undefined ? {} : { BREAK: broken }),
      ...more,
    },
    // what is logged of a broken step, or of a ClickHouse server that crashed, is expected
    stdio: ['ignore', 'pipe', broken === undefined && more.CLICKHOUSE_URL === undefined ? 'inherit' : 'ignore'],
  })
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const url = await readUrl(child, join(data, 'server.json'))
  if (url === undefined) {
    await ended
    return undefined
  }
  const token = await signToken(
    loadMadeSecret(data),
    { userId: 'judge', roles: ['viewer', 'ingester', 'operator'] },
    600,
  )
  return {
    isAlive: () => child.exitCode === null && child.signalCode === null,
    async ask(query, variables = {}) {
      try {
        return (await post(url, token, { query, variables })) as Answer
      } catch {
        // it was killed
        return undefined
      }
    },
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
