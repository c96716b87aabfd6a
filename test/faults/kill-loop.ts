import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom, type Random } from '../../corpus/random.ts'
import { createWorld, FINISH_MS, operate, type World } from './kill-world.ts'
import { RUNS, SHIPPING } from './moments.ts'
import { startMortalClickHouse } from './mortal-clickhouse.ts'
import { type Server, startServer } from './server-process.ts'

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

const LONGEST_LIFE_MS = 1500
/** A ClickHouse server crashes at the latest so long after a life began, which is while the bridge starts or lives. */
const CRASH_MS = 2500

export async function runKillLoop(options: KillLoopOptions): Promise<KillLoopReport> {
  const { kills, at, operated = true } = options
  const random = createRandom(options.seed)
  const folder = mkdtempSync(join(tmpdir(), 'token-bridge-kill-'))
  const clickhouse = options.clickhouseServer ? await startMortalClickHouse(join(folder, 'clickhouse')) : undefined
  const world = createWorld(folder, random)
  const moments: Record<string, number> = {}
  const differences: string[] = []
  let server: Server | undefined
  const start = async (planted: string): Promise<Server | undefined> => {
    const killAt: Record<string, string> = planted === 'random' ? {} : { KILL_AT: planted }
    const broken: Record<string, string> = options.broken === undefined ? {} : { BREAK: options.broken }
    server = await startServer({
      folder,
      dataDir: join(folder, 'data'),
      settings: { ...clickhouse?.settings, ...killAt, ...broken },
      // what is logged of a broken step, or of a ClickHouse server that crashed, is expected
      isQuiet: clickhouse !== undefined || options.broken !== undefined,
    })
    return server
  }
  const live = async (planted: string, life: number): Promise<void> => {
    const alive = await start(planted)
    if (alive === undefined) return
    differences.push(...(await world.judge(alive, 'LEGACY', `restart ${life}`)))
    if (options.carried) await world.finish(alive)
    await use(
      alive,
      world,
      at === undefined ? random.between(50, LONGEST_LIFE_MS) : FINISH_MS,
      operated ? random : undefined,
    )
    await alive.kill()
  }
  world.plant(3, 400)
  try {
    for (let kill = 0; kill < kills; kill++) {
      const planted = at ?? drawMoment(random, operated)
      // at least in every third life
      const crashes = kill % 3 === 1 || random.chance(0.2)
      const crash = clickhouse !== undefined && crashes && clickhouse.crashAfter(random.between(0, CRASH_MS))
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

/** Uses a server for a while, or until it is killed; an operator who does what `operating` draws may use it, too. */
async function use(server: Server, world: World, ms: number, operating: Random | undefined): Promise<void> {
  const until = Date.now() + ms
  await server.ask('mutation { startMigration { id } }')
  while (Date.now() < until && server.isAlive()) {
    if (operating?.chance(0.15)) await operate(server, operating)
    await world.send(server)
  }
}

/** A planted moment; what is not reached in time is killed at random. */
export const drawMoment = (random: Random, operated: boolean): string =>
  random.chance(0.7)
    ? `${random.pick(operated ? [...SHIPPING, ...RUNS] : SHIPPING)}:${random.pick(['before', 'after'])}:${random.between(1, 3)}`
    : 'random'
