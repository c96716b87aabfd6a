import { cpSync, existsSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom, type Random } from '../../corpus/random.ts'
import { recount } from '../../scripts/recount.ts'
import { createDirector } from './directing.ts'
import { dependenciesOf, disturb, journalOnSmallDisk } from './disturbing.ts'
import { DEPENDENCIES } from './faults.ts'
import { createScene, judgeTable, type Scene } from './instances-scene.ts'
import { drawMoment } from './kill-loop.ts'
import type { Server } from './server-process.ts'
import { createRunOrder, type Watched, watch } from './watching.ts'

/**
 * Several real servers with one ClickHouse server, one Redis and one journal, under load, while faults meet each of
 * them; everybody is asked all the time, and every answer is judged.
 */
export interface InstancesLoopOptions {
  /** So many lives of instances end by a fault; absent: as many as there is time for. */
  faults?: number
  minutes?: number
  seed: number
  instances: number
  /** Their ClickHouse, Redis, Unleash and the disk of their journal have faults, too. */
  disturbed?: boolean
  onFault?: (fault: number, kind: string) => void
}

export interface InstancesLoopReport extends Watched {
  /** How often each kind of fault was met. */
  faults: Record<string, number>
  takeovers: number
  acknowledged: number
  /** Differences of the end, and of all answers before it. */
  differences: string[]
}

/**
 * What becomes of an instance at the end of a life: killed at a moment or at any time; stopped for longer than the sign
 * of life of a publisher lasts, and killed later; its data folder is lost, or an older one is given back. Its clock may
 * have been an hour or a day off; the ClickHouse server may be killed meanwhile.
 */
const KINDS = [
  ...Array(10).fill('kill'),
  ...Array(2).fill('stop'),
  ...Array(3).fill('lost'),
  ...Array(2).fill('older'),
  ...Array(3).fill('clock'),
  'crash',
] as const satisfies string[]

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** The sign of life of a publisher lasts 8 s. */
const STOPPED_MS = [8500, 11_000] as const
/** In which everybody has learned of a run, with all the load that there is. */
const LEARNED_MS = 10_000
const SHORT_LIFE_MS = [100, 3000] as const
const LONG_LIFE_MS = [5000, 12_000] as const
const LONG_SHARE = 0.3
/** Of those whose dependencies have faults, too: a start meets them, and waits for them. */
const DISTURBED_LIFE_MS = [1000, 30_000] as const

export async function runInstancesLoop(options: InstancesLoopOptions): Promise<InstancesLoopReport> {
  const { faults = Number.POSITIVE_INFINITY, minutes, seed, instances, disturbed = false } = options
  const scene = await createScene({ random: createRandom(seed), ...(disturbed && { faulty: DEPENDENCIES }) })
  const journal = disturbed ? journalOnSmallDisk(scene.journalDir) : undefined
  const met: Record<string, number> = {}
  let left = faults
  const deadline = minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + minutes * MINUTE_MS
  const next = (random: Random): string | undefined =>
    left-- > 0 && Date.now() < deadline ? random.pick(KINDS) : undefined
  const ended = (kind: string): void => {
    met[kind] = (met[kind] ?? 0) + 1
    options.onFault?.(
      Object.values(met).reduce((sum, count) => sum + count, 0),
      kind,
    )
  }
  const gone: Error[] = []
  const all = Array.from({ length: instances }, (_, i) => i)
  const runs = createRunOrder()
  const watches = all.map((i) =>
    watch({
      world: scene.world,
      random: createRandom(seed + 100 + i),
      name: `instance ${i}`,
      server: () => alive(scene.server(i)),
      runs,
    }),
  )
  scene.world.plant(3, 400)
  try {
    const director = createDirector(scene, createRandom(seed + 200))
    const writing = write(scene, all, createRandom(seed + 300))
    const parts = scene.dependencies === undefined ? [] : dependenciesOf(scene.dependencies)
    if (journal !== undefined) parts.push(journal)
    const disturbing = disturb(parts, (part) => createRandom(seed + 500 + part), ended)
    const faults = { next, ended, gone: (error: Error) => void gone.push(error), disturbed }
    await Promise.all(all.map((i) => live(scene, i, createRandom(seed + 400 + i), faults))).finally(disturbing.end)
    for (const error of gone) throw error
    await Promise.all(all.map((i) => startAgain(scene, i)))
    await writing.end()
    await director.end()
    await scene.world.finish(scene.publisher)
    const atEnd = await judgeEnd(scene, all)
    const watched = await Promise.all(watches.map((one) => one.end()))
    const differences = [...watched.flatMap((one) => one.differences), ...atEnd]
    const { takeovers, world } = scene
    return { ...sumOf(watched), faults: met, takeovers: takeovers(), acknowledged: world.acknowledged(), differences }
  } finally {
    await Promise.all(watches.map((one) => one.end()))
    journal?.remove()
    await scene.close()
  }
}

const alive = (server: Server | undefined): Server | undefined => (server?.isAlive() ? server : undefined)

interface Faults {
  /** The next fault; `undefined` where there were enough. */
  next(random: Random): string | undefined
  ended(kind: string): void
  /** The ClickHouse server does not start any more. */
  gone(error: Error): void
  disturbed: boolean
}

/** One life of an instance after the other, each with its fault. */
async function live(
  scene: Scene,
  instance: number,
  random: Random,
  { next, ended, gone, disturbed }: Faults,
): Promise<void> {
  const data = scene.dataDirOf(instance)
  const older = `${data}-older`
  for (let kind = next(random); kind !== undefined; kind = next(random)) {
    const server = await scene.start(instance, settingsOf(kind, random), random.between(...STOPPED_MS))
    if (kind === 'crash') scene.clickhouse.crashAfter(random.between(0, 1000)).catch(gone)
    if (server !== undefined) await spend(server, kind, random, disturbed ? DISTURBED_LIFE_MS : undefined)
    if (kind === 'lost') rmSync(data, { recursive: true })
    if (kind === 'older' && existsSync(older)) {
      rmSync(data, { recursive: true })
      cpSync(older, data, { recursive: true })
    } else if (existsSync(data) && random.chance(0.1)) {
      rmSync(older, { recursive: true, force: true })
      cpSync(data, older, { recursive: true })
    }
    ended(kind)
  }
}

function settingsOf(kind: string, random: Random): Record<string, string> {
  const moment = drawMoment(random, true)
  return {
    ...(moment === 'random' ? {} : { [kind === 'stop' ? 'STALL_AT' : 'KILL_AT']: moment }),
    ...(kind === 'clock' ? { CLOCK_SHIFT_MS: String(random.pick([-DAY_MS, -HOUR_MS, HOUR_MS, DAY_MS])) } : {}),
  }
}

/** Until it is killed. */
async function spend(
  server: Server,
  kind: string,
  random: Random,
  lifeMs: readonly [number, number] = random.chance(LONG_SHARE) ? LONG_LIFE_MS : SHORT_LIFE_MS,
): Promise<void> {
  const lived = within(server, random.between(...lifeMs))
  if (kind !== 'stop') await lived
  else {
    const isStalled = await Promise.race([server.stalled.then(() => true), lived.then(() => false)])
    if (!isStalled) server.stop()
    await sleep(random.between(...STOPPED_MS))
    server.resume()
    await within(server, random.between(...SHORT_LIFE_MS))
  }
  await server.kill()
  const code = await server.ended
  if (code !== null) throw new Error(`a server ended by itself, with code ${code}: ${server.said()}`)
}

async function within(server: Server, ms: number): Promise<void> {
  const waiting = new AbortController()
  await Promise.race([server.ended, sleep(ms, undefined, { signal: waiting.signal }).catch(() => undefined)])
  waiting.abort()
}

async function startAgain(scene: Scene, instance: number): Promise<void> {
  if ((await scene.start(instance)) === undefined) throw new Error(`instance ${instance} does not start any more`)
}

/** Brings in records through all instances: what had no answer from one is sent to another. */
function write(scene: Scene, instances: readonly number[], random: Random): { end(): Promise<void> } {
  let isOver = false
  const writing = (async () => {
    while (!isOver) {
      const server = alive(scene.server(random.pick(instances)))
      // one that is stopped is not waited for
      if (server !== undefined) await Promise.race([scene.world.send(server), sleep(500)])
      await sleep(random.between(0, 100))
    }
  })()
  return {
    async end() {
      isOver = true
      await writing
    },
  }
}

/** All instances and the table have the same in the end. */
async function judgeEnd(scene: Scene, instances: readonly number[]): Promise<string[]> {
  const { world, folder, server, publisher } = scene
  const differences: string[] = []
  for (const i of instances)
    for (const source of ['LEGACY', 'CLICKHOUSE']) {
      const last = server(i) as Server
      differences.push(...(await world.judge(last, source, `instance ${i} at the end`)))
      if (!last.isAlive()) differences.push(`instance ${i} ended by itself`)
    }
  differences.push(...(await judgeRuns(scene, instances)))
  differences.push(...(await judgeTable(scene)))
  const { files, prunable, pruned } = world.moment()
  const id = (await publisher.ask('{ migration { id } }'))?.data.migration.id
  const counted = await recount(folder)
  const onDisk = {
    tokens: files.tokens + prunable.tokens - pruned.tokens,
    records: files.records + prunable.records - pruned.records,
  }
  if (BigInt(counted.tokens.total) !== onDisk.tokens || BigInt(counted.recordCount) !== onDisk.records)
    differences.push(
      `a second count finds ${counted.tokens.total} tokens in ${counted.recordCount} records on disk, not ${onDisk.tokens} in ${onDisk.records}`,
    )
  const verified = await publisher.ask(`mutation { verifyMigration(id: "${id}") { state difference error } }`)
  const { state, error } = verified?.data?.verifyMigration ?? {}
  if (state !== 'COMPLETED') differences.push(`the verification at the end: ${state} ${error}`)
  return differences
}

/** All of them tell of the same run, which is over. */
async function judgeRuns({ server }: Scene, instances: readonly number[]): Promise<string[]> {
  const deadline = Date.now() + LEARNED_MS
  for (;;) {
    const answers = await Promise.all(instances.map((i) => server(i)?.ask('{ migration { id state progress } }')))
    const told = answers.map((answer) => JSON.stringify(answer?.data?.migration))
    if (new Set(told).size === 1 && told[0]?.includes('"COMPLETED","progress":1}')) return []
    if (Date.now() > deadline) return [`runs at the end: ${told.join(', ')}`]
    await sleep(50)
  }
}

function sumOf(all: readonly Watched[]): Omit<Watched, 'differences'> {
  const sumsOf = (of: 'sources' | 'codes'): Record<string, number> => {
    const sums: Record<string, number> = {}
    for (const one of all) for (const [name, count] of Object.entries(one[of])) sums[name] = (sums[name] ?? 0) + count
    return sums
  }
  const sum = (of: 'answers' | 'stale' | 'lacking' | 'unanswered'): number =>
    all.reduce((total, one) => total + one[of], 0)
  return {
    answers: sum('answers'),
    stale: sum('stale'),
    lacking: sum('lacking'),
    unanswered: sum('unanswered'),
    codes: sumsOf('codes'),
    sources: sumsOf('sources'),
  }
}
