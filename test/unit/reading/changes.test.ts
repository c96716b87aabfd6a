import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createChanges } from '../../../src/reading/changes.ts'

describe('those who follow answers', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => vi.useRealTimers())

  function scene() {
    let standing = 'a'
    let looks = 0
    const own = new Map<string, string>()
    const changes = createChanges({
      standing: () => {
        looks++
        return standing
      },
      standingOf: (user) => own.get(user) ?? '',
      whenCurrent: async () => undefined,
    })
    const change = (to: string): void => {
      standing = to
    }
    /** Notes when each call settles. */
    const followed = (user = 'ann', withinMs = 60_000) => {
      const follower = changes.follow(user)
      const times: number[] = []
      const began = performance.now()
      void (async () => {
        while (await follower.next({ withinMs })) times.push(performance.now() - began)
        times.push(Number.POSITIVE_INFINITY)
      })()
      return { times, end: follower.end }
    }
    return { followed, changes, own, change, looks: () => looks }
  }

  test('are told at once, then when something changes, and not while nothing does', async () => {
    const { followed, change } = scene()
    const { times } = followed()
    await vi.advanceTimersByTimeAsync(5000)
    expect(times).toEqual([0])
    change('b')
    await vi.advanceTimersByTimeAsync(250)
    expect(times).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(5000)
    expect(times).toHaveLength(2)
  })

  test('are told once a second at most, and of the last change for certain', async () => {
    const { followed, change } = scene()
    const { times } = followed()
    for (let i = 0; i < 100; i++) {
      change(`b${i}`)
      await vi.advanceTimersByTimeAsync(50)
    }
    expect(times.length).toBeLessThanOrEqual(6)
    for (const [i, time] of times.entries())
      if (i > 0) expect(time - (times[i - 1] as number)).toBeGreaterThanOrEqual(1000)
    change('last')
    const before = times.length
    await vi.advanceTimersByTimeAsync(1500)
    expect(times.length).toBeGreaterThan(before)
  })

  test('are told of what changes for them, and others are not', async () => {
    const { followed, own } = scene()
    const [ann, bob] = [followed('ann'), followed('bob')]
    await vi.advanceTimersByTimeAsync(2000)
    own.set('ann', 'LEGACY')
    await vi.advanceTimersByTimeAsync(2000)
    expect([ann.times.length, bob.times.length]).toEqual([2, 1])
  })

  test('are told within the time that they ask for, whether or not anything has changed', async () => {
    const { followed } = scene()
    const { times } = followed('ann', 3000)
    await vi.advanceTimersByTimeAsync(6900)
    expect(times).toHaveLength(3)
  })

  test('cost nothing when they are gone, and an end settles whoever waits', async () => {
    const { followed, looks, changes } = scene()
    const { times, end } = followed()
    await vi.advanceTimersByTimeAsync(1000)
    end()
    await vi.advanceTimersByTimeAsync(1000)
    expect(times.at(-1)).toBe(Number.POSITIVE_INFINITY)
    const before = looks()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(looks()).toBe(before)
    const again = changes.follow('ann')
    expect(await again.next({ withinMs: 1000 })).toBe(true)
    again.end()
    expect(await again.next({ withinMs: 1000 })).toBe(false)
  })
})
