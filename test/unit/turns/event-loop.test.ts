import { describe, expect, test } from 'vitest'
import { collectInSlices, inSlices, turnOf } from '../../../src/turns/event-loop.ts'

describe('slices of work on answers', () => {
  test('come one in each turn of the event loop, however many wait, and callers take turns', async () => {
    const order: string[] = []
    let turns = 0
    let counting = true
    const count = (): void => {
      turns++
      if (counting) setImmediate(count)
    }
    setImmediate(count)
    const slice = (caller: string, n: number) => turnOf(caller).then(() => order.push(`${caller}${n} ${turns}`))
    await Promise.all([...[1, 2, 3, 4].map((n) => slice('ann', n)), ...[1, 2].map((n) => slice('bob', n))])
    counting = false
    expect(order.map((one) => one.split(' ')[0])).toEqual(['ann1', 'bob1', 'ann2', 'bob2', 'ann3', 'ann4'])
    const at = order.map((one) => Number(one.split(' ')[1]))
    expect(new Set(at).size).toBe(at.length)
  })

  test('have everything in order', async () => {
    const items = Array.from({ length: 1000 }, (_, i) => i)
    expect(await Promise.all(inSlices(items, 100, 'ann'))).toEqual(items)
    expect(await collectInSlices(items, 'ann')).toEqual(items)
  })
})
