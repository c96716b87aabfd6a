import { describe, expect, test } from 'vitest'
import type { Compared, DropReason } from '../../../src/ports/comparison.ts'
import { createShadow, type SampledQuestion, type ShadowResult } from '../../../src/rollout/shadow.ts'

const AGREED: Compared = { outcome: 'AGREED', records: 3n, differences: [], leavesArchived: false }
const DIFFERS: Compared = {
  outcome: 'DIFFERS',
  records: 3n,
  differences: [{ field: 'f', control: '1', candidate: '2', query: { filter: {}, groupings: [] } }],
  leavesArchived: true,
}
const MOVED: Compared = { outcome: 'DISCARDED', reason: 'MOVED' }
const question = (key: string): SampledQuestion => ({ key, queries: [], access: [], userId: 'ann', cohort: null })

function scene(answers: (Compared | Error)[] = []) {
  const world = { busy: undefined as DropReason | undefined, random: 0.9, control: AGREED, now: 0 }
  const results: ShadowResult[] = []
  const rests: number[] = []
  const failed: unknown[] = []
  const strange: Compared[] = []
  const orders: boolean[] = []
  let atOnce = 0
  let most = 0
  const shadow = createShadow({
    async compare(_, databaseFirst) {
      orders.push(databaseFirst)
      most = Math.max(most, ++atOnce)
      await new Promise((resolve) => setImmediate(resolve))
      atOnce--
      world.now += 10
      const next = answers.shift() ?? AGREED
      if (next instanceof Error) throw next
      return next
    },
    compareControl: async () => world.control,
    busy: async () => world.busy,
    onResult: (result) => results.push(result),
    onControlDiffers: (compared) => strange.push(compared),
    onFailed: (error) => failed.push(error),
    async rest(ms) {
      rests.push(ms)
    },
    random: () => world.random,
    now: () => world.now,
  })
  const idle = async () => {
    for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  return { world, shadow, results, rests, failed, strange, orders, idle, most: () => most }
}

describe('shadow reads', () => {
  test('compare one question at a time, and rest four times as long', async () => {
    const { shadow, results, rests, idle, most } = scene()
    for (const key of ['a', 'b', 'c']) shadow.offer(question(key))
    void shadow.compareNow(question('d'))
    await idle()
    expect(results.map(({ question: { key }, confirmed }) => [key, confirmed])).toEqual([
      ['a', false],
      ['b', false],
      ['c', false],
    ])
    expect(most()).toBe(1)
    expect(rests.every((ms) => ms >= 40)).toBe(true)
    const { agreed, differed, discarded, dropped } = shadow.figures()
    expect({ agreed, differed, discarded, dropped }).toEqual({ agreed: 3, differed: 0, discarded: {}, dropped: {} })
  })

  test('look again at what differs: seen again it is confirmed, and a look that is discarded says nothing', async () => {
    const { shadow, results, idle } = scene([DIFFERS, MOVED, DIFFERS, DIFFERS, AGREED, MOVED])
    for (const key of ['a', 'b', 'c']) shadow.offer(question(key))
    await idle()
    expect(results.map(({ question: { key }, compared, confirmed }) => [key, compared.outcome, confirmed])).toEqual([
      ['a', 'DIFFERS', true],
      ['b', 'DIFFERS', false],
    ])
    expect(shadow.figures()).toMatchObject({
      agreed: 0,
      differed: 2,
      confirmed: 1,
      discarded: { MOVED: 2 },
      leftArchived: 3,
    })
  })

  test('are dropped first where anything has much to do, where many wait, and where the same waits', async () => {
    const { shadow, world, results, idle } = scene()
    world.busy = 'DATABASE_BUSY'
    for (let i = 0; i < 25; i++) shadow.offer(question(`${i}`))
    shadow.offer(question('1'))
    await idle()
    expect(results).toEqual([])
    expect(shadow.figures().dropped).toEqual({ QUEUE_FULL: 4, WAITS_ALREADY: 1, DATABASE_BUSY: 21 })
  })

  test('find nothing where both say that there is nothing: that is no agreement', async () => {
    const { shadow, results, idle } = scene([{ ...AGREED, records: 0n }])
    shadow.offer(question('a'))
    await idle()
    expect(results).toEqual([])
    expect(shadow.figures()).toMatchObject({ agreed: 0, discarded: { EMPTY: 1 } })
  })

  test('ask either source first, and compare the files with themselves now and then: that is told, and is no mismatch', async () => {
    const { shadow, world, results, strange, orders, idle } = scene()
    world.control = DIFFERS
    world.random = 0.04
    shadow.offer(question('a'))
    await idle()
    world.random = 0.9
    shadow.offer(question('b'))
    await idle()
    expect(orders).toEqual([true, false])
    expect(strange).toEqual([DIFFERS])
    expect(results.map(({ compared }) => compared.outcome)).toEqual(['AGREED', 'AGREED'])
    expect(shadow.figures()).toMatchObject({ controls: 1, controlsDiffered: 1, differed: 0 })
  })

  test('say nothing of what ends after they are closed: the sources end, too', async () => {
    const { shadow, results, failed, idle } = scene([DIFFERS, new Error('closed')])
    shadow.offer(question('a'))
    await new Promise((resolve) => setImmediate(resolve))
    shadow.close()
    await idle()
    expect([results, failed]).toEqual([[], []])
    const other = scene([DIFFERS, MOVED, MOVED, MOVED, MOVED, MOVED])
    other.shadow.offer(question('a'))
    while (other.orders.length < 2) await new Promise((resolve) => setImmediate(resolve))
    other.shadow.close()
    await other.idle()
    expect(other.results).toEqual([])
  })

  test('go on after a mistake, and end when they are closed', async () => {
    const { shadow, results, failed, idle } = scene([
      new Error('oh'),
      { outcome: 'DISCARDED', reason: 'FAILED', error: 'x' },
    ])
    for (const key of ['a', 'b', 'c']) shadow.offer(question(key))
    await idle()
    expect(failed).toEqual([new Error('oh'), 'x'])
    expect(results).toHaveLength(1)
    shadow.close()
    shadow.offer(question('d'))
    await idle()
    expect(results).toHaveLength(1)
  })
})
