import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../../corpus/random.ts'
import type { Dependency, Fault } from './faults.ts'
import { createScene, judgeTable, type Scene } from './instances-scene.ts'
import type { World } from './kill-world.ts'
import type { Server } from './server-process.ts'
import { createRunOrder, type Watched, watch } from './watching.ts'

/** What was seen while a dependency had a fault, and once it had none any more. */
export interface FaultReport {
  answers: number
  unanswered: Record<string, number>
  /** Answers that say that something is lost: nothing is. */
  lacking: number
  /** Why answers were from this source and not from another, each once. */
  reasons: string[]
  /** What health said of the dependency meanwhile: each state once. */
  states: string[]
  /** Records that were acknowledged meanwhile. */
  acknowledged: number
  /** Calls that were not acknowledged meanwhile, by why; those that were when they were sent again are among them. */
  refused: Record<string, number>
  /** Of answers, and of calls with records, during the fault. */
  answerMs: Waits
  callMs: Waits
  /** Of all answers, and of the end: from the files, from ClickHouse, of a verification, of the table. */
  differences: string[]
}

/** How long somebody waited. */
export interface Waits {
  median: number
  longest: number
}

/** A bridge in a process of its own, with everything real, one dependency of which has a fault after the other. */
export interface FaultScene {
  /** `told`: until health says that it is not UP. `undefined`: the fault cannot be made on this machine. */
  during(fault: Fault, told: boolean): Promise<FaultReport | undefined>
  close(): Promise<void>
}

/** So many answers and calls there are during a fault, and so long it lasts at least. */
export const LEAST = { answers: 20, calls: 20, ms: 3000 }
/** As many as there are questions at once: all of them may be stuck, and only then is a silent database left alone. */
const ASKERS = 5
const PAUSE_MS = 100
/** Health is asked for every 30 s. */
const TOLD_MS = 60_000
const COMPONENTS: Record<Dependency, string> = { ClickHouse: 'clickhouse', Redis: 'redis', Unleash: 'unleash' }

export async function openFaultScene(dependency: Dependency): Promise<FaultScene> {
  const scene = await createScene({ random: createRandom(1), broken: 'short-breakers', faulty: [dependency] })
  const server = (await scene.start(0)) as Server
  scene.world.plant(3, 100)
  await scene.world.finish(server)
  const component = COMPONENTS[dependency]
  return {
    async during(fault, told) {
      await until(server, component, 'UP')
      const end = await scene.dependencies?.begin(dependency, fault)
      if (end === undefined) return undefined
      const asking = ask(scene.world, server)
      try {
        const seen = await live(scene.world, server, { component, told, answers: asking.answers })
        const answerMs = asking.waits()
        const ofMost = asking.endMost()
        await end()
        await scene.world.finish(server)
        await ofMost
        const { differences, ...asked } = await asking.end()
        return { ...seen, ...asked, answerMs, differences: [...differences, ...(await judgeEnd(scene, server))] }
      } finally {
        await end()
        await asking.end()
      }
    },
    close: scene.close,
  }
}

/** Several users, each of whom asks again and again what the others do not ask; one of them until all is well again. */
function ask(world: World, server: Server) {
  const took: number[] = []
  const reasons = new Set<string>()
  const runs = createRunOrder()
  const watches = Array.from({ length: ASKERS }, (_, i) =>
    watch({
      world,
      random: createRandom(i),
      name: `user-${i}`,
      server: () => server,
      runs,
      from: `200${i}-01-01T00:00:00Z`,
      pauseMs: PAUSE_MS,
      onAnswer({ reason }, ms) {
        took.push(ms)
        reasons.add(reason)
      },
    }),
  )
  return {
    answers: () => took.length,
    waits: () => waitsOf(took),
    endMost: () => Promise.all(watches.slice(1).map((one) => one.end())),
    async end(): Promise<Pick<FaultReport, 'answers' | 'unanswered' | 'lacking' | 'reasons' | 'differences'>> {
      const watched = await Promise.all(watches.map((one) => one.end()))
      return {
        answers: took.length,
        reasons: [...reasons],
        unanswered: Object.assign({}, ...watched.map(({ codes }) => codes)),
        lacking: watched.reduce((sum, { lacking }) => sum + lacking, 0),
        differences: watched.flatMap(({ differences }: Watched) => differences),
      }
    },
  }
}

const waitsOf = (took: readonly number[]): Waits => {
  const sorted = took.toSorted((a, b) => a - b)
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, longest: sorted.at(-1) ?? 0 }
}

/** Brings in records and lets transcripts grow, until enough was seen. */
async function live(
  world: World,
  server: Server,
  { component, told, answers }: { component: string; told: boolean; answers: () => number },
): Promise<Pick<FaultReport, 'states' | 'acknowledged' | 'refused' | 'callMs'>> {
  const states = new Set<string>()
  const took: number[] = []
  const isTold = (): boolean => [...states].some((state) => state !== 'UP')
  const [began, acknowledged, refused] = [Date.now(), world.acknowledged(), world.notAcknowledged()]
  for (;;) {
    const ms = Date.now() - began
    const isEnough = took.length >= LEAST.calls && answers() >= LEAST.answers && ms >= LEAST.ms
    if ((isEnough && (!told || isTold())) || ms > TOLD_MS) break
    const sentAt = performance.now()
    await world.send(server)
    if (took.push(performance.now() - sentAt) % 10 === 0) world.plant(1, 2)
    states.add(await stateOf(server, component))
  }
  return {
    states: [...states],
    acknowledged: world.acknowledged() - acknowledged,
    refused: newIn(world.notAcknowledged(), refused),
    callMs: waitsOf(took),
  }
}

/** What is counted now, and was not before. */
const newIn = (now: Record<string, number>, before: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(now)
      .map(([why, times]) => [why, times - (before[why] ?? 0)] as const)
      .filter(([, times]) => times > 0),
  )

async function until(server: Server, component: string, wanted: string): Promise<void> {
  const deadline = Date.now() + TOLD_MS
  for (;;) {
    const state = await stateOf(server, component)
    if (state === wanted) return
    if (Date.now() > deadline) throw new Error(`${component} is ${state}`)
    await sleep(50)
  }
}

async function stateOf(server: Server, component: string): Promise<string> {
  const components: { name: string; state: string }[] =
    (await server.ask('{ health { components { name state } } }'))?.data?.health.components ?? []
  return components.find(({ name }) => name === component)?.state ?? 'not told'
}

async function judgeEnd(scene: Scene, server: Server): Promise<string[]> {
  const differences: string[] = []
  for (const source of ['LEGACY', 'CLICKHOUSE'])
    differences.push(...(await scene.world.judge(server, source, 'after the fault')))
  differences.push(...(await judgeTable(scene)))
  const id = (await server.ask('{ migration { id } }'))?.data?.migration.id
  const verified = await server.ask(`mutation { verifyMigration(id: "${id}") { state difference } }`)
  const { state, difference } = verified?.data?.verifyMigration ?? {}
  if (state !== 'COMPLETED' || difference !== '0') differences.push(`verified: ${state} ${difference}`)
  return differences
}
