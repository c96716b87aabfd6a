import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../corpus/random.ts'
import type { Scene } from './instances-scene.ts'
import { questionOf, type Told, toldIn } from './judge.ts'
import { operate } from './kill-world.ts'

/** How long it is waited for what faults may keep from happening. */
const PATIENCE_MS = 20_000

/**
 * Lets transcripts be planted, grow, be renamed and pruned, and runs be begun, paused, verified and rolled back, one
 * after the other: what is pruned must be in ClickHouse, and no rollback may come before the publisher has noticed it.
 */
export function createDirector(scene: Scene, random: Random): { end(): Promise<void> } {
  const { world, publisher } = scene
  let isOver = false
  let isPruned = false

  const told = async (source: string): Promise<Told | undefined> => toldIn(await publisher.ask(questionOf(source)))
  const waitFor = async (source: string, is: (now: Told) => boolean): Promise<boolean> => {
    const deadline = Date.now() + PATIENCE_MS
    while (!isOver && Date.now() < deadline) {
      const now = await told(source)
      if (now !== undefined && is(now)) return true
      await sleep(100)
    }
    return false
  }
  /** The files of whoever publishes have no more than there is on disk. */
  const notice = async (): Promise<void> => {
    const { prunable, pruned } = world.moment()
    const onDisk = prunable.records - pruned.records
    if (await waitFor('LEGACY', ({ parts, source }) => source === 'LEGACY' && parts.gone.records === onDisk))
      isPruned = false
  }
  const prune = async (): Promise<void> => {
    world.plantPrunable(random.between(1, 50))
    const { prunable } = world.moment()
    const isCarried = await waitFor(
      'CLICKHOUSE',
      ({ source, parts, run }) =>
        source === 'CLICKHOUSE' && run?.state === 'COMPLETED' && parts.gone.records === prunable.records,
    )
    if (!isCarried) return
    world.prune()
    isPruned = true
    await notice()
  }
  const begin = async (): Promise<void> => {
    const state = (await publisher.ask('{ migration { state } }'))?.data?.migration?.state
    if ([undefined, 'FAILED', 'ROLLED_BACK'].includes(state)) await publisher.ask('mutation { startMigration { id } }')
  }
  const step = async (): Promise<void> => {
    const drawn = random.next()
    if (drawn < 0.4) world.plant(1, random.between(1, 50))
    else if (drawn < 0.5) world.rename()
    else if (drawn < 0.6) await prune()
    else if (isPruned) await notice()
    else if (drawn < 0.7) await operate(publisher, random)
    else await begin()
  }
  const directing = (async () => {
    while (!isOver) {
      await step()
      await sleep(random.between(50, 400))
    }
  })()
  return {
    async end() {
      isOver = true
      await directing
    },
  }
}
