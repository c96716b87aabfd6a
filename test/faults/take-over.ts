import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../../corpus/random.ts'
import { until } from '../support/until.ts'
import { createScene, publisherOf, publishes, type Scene } from './instances-scene.ts'
import { differencesIn, questionOf, toldIn } from './judge.ts'
import { type Asked, boundsOf } from './kill-world.ts'
import type { Server } from './server-process.ts'
import { createRunOrder, watch } from './watching.ts'

/** A publisher that stalls, and wakes up when another instance has gone on for it and changed what readers see. */
export interface TakeOverOptions {
  /** The moment (`NAME:before|after:N`) of a rollback at which it stalls; absent: it stalls while nothing is done. */
  stallAt?: string
  /** By how much its clock is wrong. */
  clockShiftMs?: number
  /** A step that is broken on purpose (`preload.ts`). */
  broken?: string
}

/** Whoever wakes up finds its connections as they were: what it sends arrives. */
const KEEP_ALIVE_SECONDS = 300
const TAKEN_OVER_MS = 30_000
/** Until whoever wakes up has ended what it was doing, and noticed that another one publishes. */
const NOTICED_MS = 40_000
const MORE_ANSWERS = 4

/** What the judge finds wrong in all that both instances answer. */
export async function judgeTakeOver({ stallAt, clockShiftMs, broken }: TakeOverOptions): Promise<string[]> {
  return inScene(broken, async (scene) => {
    const { world } = scene
    const first = await started(scene, 0, {
      ...(stallAt === undefined ? {} : { STALL_AT: stallAt }),
      ...(clockShiftMs === undefined ? {} : { CLOCK_SHIFT_MS: String(clockShiftMs) }),
    })
    const second = await started(scene, 1)
    await world.finish(first)
    const runs = createRunOrder()
    runs.judge('', await runOf(first))
    const before = [
      ...(await world.judge(second, 'LEGACY', 'before')),
      ...(await world.judge(second, 'CLICKHOUSE', 'before')),
    ]
    if (stallAt === undefined) first.stop()
    else {
      void rollBack(first)
      await first.stalled
    }
    await within(TAKEN_OVER_MS, 'another instance to go on', () => publishes(second))
    if (stallAt === undefined) await rollBack(second)
    await stateIs(second, 'ROLLED_BACK')
    // what whoever stalled still had in mind would take this away again
    if (stallAt !== undefined) await world.finish(second)
    // where it stalls in a change nobody asks it: an answer could show it that it publishes no more
    const asked = stallAt === undefined ? [first, second] : [second]
    const watches = asked.map((server, i) =>
      watch({
        world,
        random: createRandom(i),
        name: server === first ? 'first' : 'second',
        server: () => server,
        runs,
      }),
    )
    first.resume()
    const found = (): string[] => watches.flatMap(({ watched }) => watched.differences)
    const isOver = async (): Promise<boolean> => {
      // so that no answer is from the cache
      await world.send(second)
      return found().length > 0 || readsAlong(first)
    }
    await within(NOTICED_MS, 'it to notice', isOver).catch(() => undefined)
    // some more answers of each
    const answers = watches.map(({ watched }) => watched.answers)
    const areAnswered = async () =>
      watches.every(({ watched }, i) => watched.answers >= (answers[i] ?? 0) + MORE_ANSWERS)
    await within(NOTICED_MS, 'more answers', areAnswered).catch(() => undefined)
    await Promise.all(watches.map((one) => one.end()))
    return [...before, ...found()]
  })
}

/** A reader that stalls between two statements of an answer, while what it reads is rolled back. */
export async function judgeTornAnswer(broken?: string): Promise<string[]> {
  return inScene(broken, async (scene) => {
    const { world } = scene
    const first = await started(scene, 0)
    await world.finish(first)
    const second = await started(scene, 1, { STALL_AT: 'statement answer:before:1' })
    const differences = await world.judge(second, 'LEGACY', 'before')
    await stateIs(second, 'COMPLETED')
    const before = world.moment()
    const { asked } = await askedUntilStalled(second)
    await rollBack(first)
    await stateIs(first, 'ROLLED_BACK')
    second.resume()
    const told = toldIn(await asked)
    if (told === undefined) return ['no answer']
    return [...differences, ...differencesIn(told, boundsOf(before, world.moment(), told.source, before.files))]
  })
}

/** A question that stands still at its statement. On a busy machine one may be answered without that: from the files. */
const askedUntilStalled = (server: Server) =>
  until('a question to stand still', async () => {
    const asked = server.ask(questionOf('CLICKHOUSE'))
    const isStalled = await Promise.race([server.stalled.then(() => true), asked.then(() => false)])
    return isStalled ? { asked } : undefined
  })

/** Answers of an instance to questions that come right after another one has acknowledged something. */
export async function judgeAcknowledged(broken?: string): Promise<string[]> {
  return inScene(broken, async (scene) => {
    const { world } = scene
    const first = await started(scene, 0)
    const second = await started(scene, 1)
    const differences = await world.judge(second, 'LEGACY', 'before')
    for (let call = 0; call < 20; call++) {
      await world.send(first)
      const before = world.moment()
      const told = toldIn(await second.ask(questionOf('AUTO')))
      if (told === undefined) return ['no answer']
      differences.push(...differencesIn(told, boundsOf(before, world.moment(), told.source, before.files)))
    }
    return differences
  })
}

async function inScene(broken: string | undefined, use: (scene: Scene) => Promise<string[]>): Promise<string[]> {
  const scene = await createScene({ random: createRandom(7), broken, keepAliveSeconds: KEEP_ALIVE_SECONDS })
  scene.world.plant(3, 100)
  try {
    return await use(scene)
  } finally {
    await scene.close()
  }
}

async function started(scene: Scene, instance: number, settings?: Record<string, string>): Promise<Server> {
  const server = await scene.start(instance, settings)
  if (server === undefined) throw new Error('the server was killed')
  return server
}

/** What it did as a publisher is over: it has asked for the right to publish, and heard who has it. */
async function readsAlong(server: Asked): Promise<boolean> {
  const { state, detail } = (await publisherOf(server)) ?? {}
  return state === 'UP' && detail?.startsWith('this instance') === false
}

const runOf = async (server: Asked): Promise<string> => (await server.ask('{ migration { id } }'))?.data.migration.id

async function rollBack(server: Asked): Promise<void> {
  const id = await runOf(server)
  await server.ask(`mutation { rollbackMigration(id: "${id}") { state } }`)
}

const stateIs = (server: Asked, state: string): Promise<void> =>
  within(
    TAKEN_OVER_MS,
    `the run to be ${state}`,
    async () => (await server.ask('{ migration { state } }'))?.data?.migration?.state === state,
  )

async function within(ms: number, what: string, is: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + ms
  while (!(await is())) {
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms for ${what}`)
    await sleep(50)
  }
}
