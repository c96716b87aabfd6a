import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLooking, type Looking } from '../../../../src/enhanced-analysis/service/looking.ts'

const RESCAN_MS = 30_000

describe('looking at the transcripts', () => {
  let looks: number
  let lookMs: number
  let looking: Looking

  beforeEach(() => {
    vi.useFakeTimers()
    looks = 0
    lookMs = 10
    looking = createLooking({
      async look() {
        looks++
        await new Promise((resolve) => setTimeout(resolve, lookMs))
      },
      rescanIntervalMs: RESCAN_MS,
    })
  })
  afterEach(() => {
    looking.close()
    vi.useRealTimers()
  })
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

  test('happens at once, and from then on from time to time', async () => {
    looking.begin()
    expect(looks).toBe(1)
    await pass(lookMs + RESCAN_MS - 1)
    expect(looks).toBe(1)
    await pass(1)
    expect(looks).toBe(2)
  })

  test('happens once for a burst of changes, and changes without end do not put it off', async () => {
    looking.begin()
    await pass(lookMs)
    for (let burst = 0; burst < 14; burst++) {
      looking.changed()
      await pass(10)
    }
    expect(looks).toBe(1)
    looking.changed()
    await pass(10)
    expect(looks).toBe(2)
  })

  test('happens again soon where something changed while it went on', async () => {
    looking.begin()
    looking.changed()
    await pass(lookMs + 149)
    expect(looks).toBe(1)
    await pass(1)
    expect(looks).toBe(2)
  })

  test('takes no more than a twentieth of the time where nothing changes', async () => {
    lookMs = 10_000
    looking.begin()
    await pass(lookMs + 199_999)
    expect(looks).toBe(1)
    await pass(1)
    expect(looks).toBe(2)
  })

  test('happens no more once it is closed, also where one goes on', async () => {
    looking.begin()
    looking.changed()
    looking.close()
    await pass(RESCAN_MS * 100)
    expect(looks).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
