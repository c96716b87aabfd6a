import { describe, expect, onTestFinished, test } from 'vitest'
import { createRandom } from '../../corpus/random.ts'
import { createScene, publishes, type Scene } from './instances-scene.ts'
import type { Server } from './server-process.ts'

const DAY_MS = 86_400_000

async function startWith(scene: Scene, instance: number, shiftMs: number): Promise<Server> {
  return (await scene.start(instance, { CLOCK_SHIFT_MS: String(shiftMs) })) as Server
}

/** Brings in records and transcripts, and judges both sources of each instance once all is published. */
async function live(scene: Scene, servers: readonly Server[]): Promise<string[]> {
  for (const server of servers) {
    scene.world.plant(1, 20)
    for (let call = 0; call < 5; call++) await scene.world.send(server)
  }
  expect(scene.world.moment().open.records).toBe(0n)
  await scene.world.finish(scene.publisher)
  const differences: string[] = []
  for (const [i, server] of servers.entries())
    for (const source of ['LEGACY', 'CLICKHOUSE'])
      differences.push(...(await scene.world.judge(server, source, `server ${i}`)))
  return differences
}

describe('an instance whose clock is a day off', () => {
  test.each([
    ['ahead', DAY_MS],
    ['behind', -DAY_MS],
  ])(
    '%s: publishes and answers exactly beside one that is right, which goes on for it, and it again for that one',
    async (_, shiftMs) => {
      const scene = await createScene({ random: createRandom(7) })
      onTestFinished(() => scene.close())
      const wrong = await startWith(scene, 0, shiftMs)
      scene.world.plant(2, 50)
      expect(await live(scene, [wrong])).toEqual([])
      const right = await startWith(scene, 1, 0)
      expect(await live(scene, [wrong, right])).toEqual([])
      await wrong.kill()
      expect(await live(scene, [right])).toEqual([])
      expect(await publishes(right)).toBe(true)
      const again = await startWith(scene, 0, shiftMs)
      expect(await live(scene, [again, right])).toEqual([])
      await right.kill()
      expect(await live(scene, [again])).toEqual([])
      expect(await publishes(again)).toBe(true)
    },
    300_000,
  )
})
