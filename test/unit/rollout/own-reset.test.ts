import { describe, expect, test } from 'vitest'
import type { Compared } from '../../../src/ports/comparison.ts'
import type { GuardState } from '../../../src/rollout/guard.ts'
import { createOwnReset } from '../../../src/rollout/own-reset.ts'

const QUERY = { filter: {}, groupings: [] }
const AGREED: Compared = { outcome: 'AGREED', records: 1n, differences: [], leavesArchived: false }
const DIFFERS: Compared = { ...AGREED, outcome: 'DIFFERS' }
const MOVED: Compared = { outcome: 'DISCARDED', reason: 'MOVED' }

function scene(afterMs = 60_000, automatic = true) {
  const world = { now: 1_000_000, mismatchHeardAt: undefined as number | undefined, replayed: 0 }
  /** What questions that differed come to when they are asked once more. */
  const replays: Compared[] = []
  // by the clock of whoever tripped it, which may be wrong
  const state: GuardState = { tripped: true, at: 1, by: 'x', reason: 'y', automatic }
  const own = createOwnReset({
    afterMs,
    state: () => state,
    mismatchHeardAt: () => world.mismatchHeardAt,
    questions: () => [QUERY],
    async replay() {
      world.replayed++
      return replays.shift() ?? AGREED
    },
    now: () => world.now,
  })
  const agree = (times: number) => {
    for (let i = 0; i < times; i++) own.compared(true)
  }
  /** It is looked at every second. */
  const look = async () => void (await own.reason())
  return { world, state, own, agree, look, replays }
}

describe('a guard that tripped by itself', () => {
  test('can be reset by itself once comparisons agreed often enough, for long enough', async () => {
    const { world, own, agree, look } = scene()
    await look()
    world.now += 120_000
    agree(19)
    expect(await own.reason()).toBeUndefined()
    agree(1)
    expect(await own.reason()).toBe('both sources agreed for 120 s, 20 times')
  })

  test('cannot before it was quiet for long enough, here and elsewhere', async () => {
    const { world, own, agree } = scene()
    agree(30)
    world.now += 59_999
    expect(await own.reason()).toBeUndefined()
    own.compared(false)
    agree(30)
    world.now += 1
    expect(await own.reason()).toBeUndefined()
    world.now += 59_999
    world.mismatchHeardAt = world.now - 10_000
    expect(await own.reason()).toBeUndefined()
    world.now += 50_000
    expect(await own.reason()).toMatch(/^both sources agreed/)
  })

  test.each([-3_600_000, 3_600_000])(
    'is quiet by the time that passed here, whatever the clock of whoever tripped it says (%i ms off)',
    async (off) => {
      const { world, state, own, agree } = scene()
      state.at = Date.now() + off
      agree(30)
      world.now += 59_999
      expect(await own.reason()).toBeUndefined()
      world.now += 1
      expect(await own.reason()).toBeDefined()
    },
  )

  test('cannot while both still differ in what they differed in, whatever else they agree in', async () => {
    const { world, own, agree, replays } = scene()
    agree(30)
    world.now += 60_000
    replays.push(DIFFERS)
    expect(await own.reason()).toBeUndefined()
    // it was no quiet time
    agree(30)
    world.now += 59_999
    expect(await own.reason()).toBeUndefined()
    world.now += 1
    expect(await own.reason()).toBeDefined()
    expect(world.replayed).toBe(2)
  })

  test('cannot while that cannot be compared, and asks no more than every ten seconds', async () => {
    const { world, own, agree, replays } = scene()
    agree(30)
    world.now += 60_000
    replays.push(MOVED)
    expect(await own.reason()).toBeUndefined()
    world.now += 9999
    expect(await own.reason()).toBeUndefined()
    expect(world.replayed).toBe(1)
    world.now += 1
    const [reason, meanwhile] = await Promise.all([own.reason(), own.reason()])
    expect(reason).toBeDefined()
    expect(meanwhile).toBeUndefined()
  })

  test('cannot where an operator tripped it, where that is off, and by what agreed before it tripped', async () => {
    for (const { world, own, agree } of [scene(60_000, false), scene(0)]) {
      agree(30)
      world.now += 3_600_000
      expect(await own.reason()).toBeUndefined()
    }
    const again = scene()
    again.agree(30)
    again.world.now += 120_000
    again.state.at = 2
    await again.look()
    again.world.now += 120_000
    expect(await again.own.reason()).toBeUndefined()
    again.agree(20)
    expect(await again.own.reason()).toBeDefined()
    again.state.tripped = false
    again.agree(1)
    expect(await again.own.reason()).toBeUndefined()
  })
})
