import { describe, expect, test } from 'vitest'
import { collectInSlices, inSlices, turnOf } from '../../../src/turns/event-loop.ts'

describe('slices of work on answers', () => {
  /** Has some slices done, each of which takes `ms`; by which turn of the event loop each was. */
  async function turnsOf(slices: readonly string[], ms: number): Promise<{ order: string[]; turns: number[] }> {
    const order: string[] = []
    const turns: number[] = []
    let turn = 0
    let counting = true
    const count = (): void => {
      turn++
      if (counting) setImmediate(count)
    }
    setImmediate(count)
    await Promise.all(
      slices.map(async (name) => {
        await turnOf(name.slice(0, 3))
        const until = performance.now() + ms
        while (performance.now() < until);
        order.push(name)
        turns.push(turn)
      }),
    )
    counting = false
    return { order, turns }
  }

  test('come in turns by caller, and a long one has a turn of the event loop for itself, however many wait', async () => {
    const { order, turns } = await turnsOf(['ann1', 'ann2', 'ann3', 'ann4', 'bob1', 'bob2'], 6)
    expect(order).toEqual(['ann1', 'bob1', 'ann2', 'bob2', 'ann3', 'ann4'])
    expect(new Set(turns).size).toBe(turns.length)
  })

  test('share a turn of the event loop where they are short', async () => {
    const { order, turns } = await turnsOf(
      Array.from({ length: 100 }, (_, i) => `ann${i}`),
      0,
    )
    expect(order).toEqual(Array.from({ length: 100 }, (_, i) => `ann${i}`))
    expect(new Set(turns).size).toBeLessThan(50)
  })

  test('have everything in order', async () => {
    const items = Array.from({ length: 1000 }, (_, i) => i)
    expect(await Promise.all(inSlices(items, 100, 'ann'))).toEqual(items)
    expect(await collectInSlices(items, () => turnOf('ann'))).toEqual(items)
  })
})
