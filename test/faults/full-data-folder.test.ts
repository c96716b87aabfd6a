import { describe, expect, onTestFinished, test } from 'vitest'
import { createRandom } from '../../corpus/random.ts'
import { maySmallDisksBeMounted, mountSmallDisk } from '../support/small-disk.ts'
import { createScene, type Scene } from './instances-scene.ts'
import type { Server } from './server-process.ts'
import { createRunOrder, watch } from './watching.ts'

/** What was acknowledged is in every answer, and what was refused says so, until there is room. */
async function liveWhileFull({ world }: Scene, server: Server): Promise<void> {
  const watching = watch({ world, random: createRandom(1), name: 'full', server: () => server, runs: createRunOrder() })
  for (let i = 0; i < 20; i++) {
    await world.send(server)
    if (i % 5 === 0) world.plant(1, 5)
  }
  while (watching.watched.answers < 20 && server.isAlive()) await world.send(server)
  const { differences, lacking, unanswered } = await watching.end()
  expect({ differences, lacking, unanswered }).toEqual({ differences: [], lacking: 0, unanswered: 0 })
}

describe('a data folder whose disk is full', () => {
  test.skipIf(!maySmallDisksBeMounted())(
    'costs no answer and nothing that was acknowledged, and all is published once there is room',
    async () => {
      const scene = await createScene({ random: createRandom(4) })
      onTestFinished(() => scene.close())
      const disk = mountSmallDisk(scene.dataDirOf(0), 64)
      onTestFinished(() => disk?.remove())
      const server = (await scene.start(0)) as Server
      scene.world.plant(3, 100)
      await scene.world.finish(server)
      disk?.fill(1)
      await liveWhileFull(scene, server)
      disk?.free()
      await scene.world.finish(server)
      for (const source of ['LEGACY', 'CLICKHOUSE'])
        expect(await scene.world.judge(server, source, 'after it')).toEqual([])
      // and it can be started again on what is there
      disk?.fill(1)
      await liveWhileFull(scene, server)
      await server.kill()
      disk?.free()
      const again = (await scene.start(0)) as Server
      await scene.world.finish(again)
      for (const source of ['LEGACY', 'CLICKHOUSE'])
        expect(await scene.world.judge(again, source, 'started again')).toEqual([])
    },
    600_000,
  )
})
