import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../../corpus/random.ts'
import type { Dependency, Fault } from './faults.ts'
import { createScene } from './instances-scene.ts'
import type { World } from './kill-world.ts'
import type { Server } from './server-process.ts'
import { createRunOrder, type Watched, watch } from './watching.ts'

/** What was seen while a dependency had a fault, and once it had none any more. */
export interface FaultReport extends Omit<Watched, 'differences'> {
  /** What health said of the dependency meanwhile, and of whoever publishes: each state once. */
  states: string[]
  /** Records that were acknowledged meanwhile, and those of calls that were not. */
  acknowledged: number
  refused: number
  /** Of all answers, and of the end: from the files, from ClickHouse, of a verification. */
  differences: string[]
}

/** A bridge in a process of its own, with everything real, one dependency of which has a fault after the other. */
export interface FaultScene {
  /** `told`: until health says that it is not UP. `undefined`: the fault cannot be made on this machine. */
  during(fault: Fault, told: boolean): Promise<FaultReport | undefined>
  close(): Promise<void>
}

/** So many questions and calls there are during a fault, and so long it lasts at least. */
const LEAST = { answers: 20, calls: 20, ms: 3000 }
/** Health is asked for every 30 s. */
const TOLD_MS = 60_000
const COMPONENTS: Record<Dependency, string> = { ClickHouse: 'clickhouse', Redis: 'redis', Unleash: 'unleash' }

export async function openFaultScene(dependency: Dependency): Promise<FaultScene> {
  const scene = await createScene({ random: createRandom(1), broken: 'short-breakers', faulty: [dependency] })
  const server = (await scene.start(0)) as Server
  scene.world.plant(3, 100)
  await scene.world.finish(server)
  let seed = 0
  return {
    async during(fault, told) {
      await until(server, COMPONENTS[dependency], 'UP')
      const end = await scene.dependencies?.begin(dependency, fault)
      if (end === undefined) return undefined
      const watching = watchFor(scene.world, server, ++seed)
      try {
        const seen = await live(scene.world, server, { component: COMPONENTS[dependency], told, watching })
        await end()
        await scene.world.finish(server)
        const { differences, ...watched } = await watching.end()
        return { ...watched, ...seen, differences: [...differences, ...(await judgeEnd(scene.world, server))] }
      } finally {
        await end()
        await watching.end()
      }
    },
    close: scene.close,
  }
}

type Watching = ReturnType<typeof watch>

const watchFor = (world: World, server: Server, seed: number): Watching =>
  watch({ world, random: createRandom(seed), name: 'during the fault', server: () => server, runs: createRunOrder() })

/** Brings in records and lets transcripts grow, until enough was seen. */
async function live(
  world: World,
  server: Server,
  { component, told, watching: { watched } }: { component: string; told: boolean; watching: Watching },
): Promise<Pick<FaultReport, 'states' | 'acknowledged' | 'refused'>> {
  const states = new Set<string>()
  const isTold = (): boolean => [...states].some((state) => !state.endsWith(' UP'))
  const [began, before] = [Date.now(), world.acknowledged()]
  for (let calls = 0; ; calls++) {
    const ms = Date.now() - began
    const isEnough = calls >= LEAST.calls && watched.answers >= LEAST.answers && ms >= LEAST.ms
    if ((isEnough && (!told || isTold())) || ms > TOLD_MS) break
    await world.send(server)
    if (calls % 10 === 0) world.plant(1, 2)
    for (const { name, state } of await componentsOf(server))
      if (name === component || name === 'publisher') states.add(`${name} ${state}`)
  }
  const { open } = world.moment()
  return { states: [...states], acknowledged: world.acknowledged() - before, refused: Number(open.records) }
}

async function until(server: Server, component: string, wanted: string): Promise<void> {
  const deadline = Date.now() + TOLD_MS
  for (;;) {
    const found = (await componentsOf(server)).find(({ name }) => name === component)
    if (found?.state === wanted) return
    if (Date.now() > deadline) throw new Error(`${component} is ${found?.state}`)
    await sleep(50)
  }
}

const componentsOf = async (server: Server): Promise<{ name: string; state: string }[]> =>
  (await server.ask('{ health { components { name state } } }'))?.data?.health.components ?? []

async function judgeEnd(world: World, server: Server): Promise<string[]> {
  const differences: string[] = []
  for (const source of ['LEGACY', 'CLICKHOUSE'])
    differences.push(...(await world.judge(server, source, 'after the fault')))
  const id = (await server.ask('{ migration { id } }'))?.data?.migration.id
  const verified = await server.ask(`mutation { verifyMigration(id: "${id}") { state difference } }`)
  const { state, difference } = verified?.data?.verifyMigration ?? {}
  if (state !== 'COMPLETED' || difference !== '0') differences.push(`verified: ${state} ${difference}`)
  return differences
}
