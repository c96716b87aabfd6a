import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchHealth } from '../../../src/policies/health-watch.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('the health of a dependency is asked every 30 seconds by itself, and by nobody else', async () => {
  const ask = vi.fn(async () => undefined)
  const watch = watchHealth(ask)
  for (let second = 0; second < 90; second++) {
    expect(watch.problem()).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1000)
  }
  expect(ask).toHaveBeenCalledTimes(3)
  watch.close()
  await vi.advanceTimersByTimeAsync(90_000)
  expect(ask).toHaveBeenCalledTimes(3)
})

test('how long a dependency takes to answer is told, and since when it does not', async () => {
  let answers = true
  let tookMs = 40
  const watch = watchHealth(async () => {
    await new Promise((resolve) => setTimeout(resolve, tookMs))
    if (!answers) throw new Error('away')
  })
  expect(watch.latencyMs()).toBeUndefined()
  await vi.advanceTimersByTimeAsync(30_040)
  expect(watch.latencyMs()).toBe(40)
  tookMs = 250
  await vi.advanceTimersByTimeAsync(30_000)
  // not answered yet: what was known counts
  expect(watch.latencyMs()).toBe(40)
  await vi.advanceTimersByTimeAsync(210)
  expect(watch.latencyMs()).toBe(250)
  answers = false
  await vi.advanceTimersByTimeAsync(30_000)
  expect(watch.latencyMs()).toBe(250)
  // since it was asked in vain for the first time
  await vi.advanceTimersByTimeAsync(59_750)
  expect(watch.latencyMs()).toBe(59_750 + 250)
  watch.heard('in another way')
  expect(watch.latencyMs()).toBe(59_750 + 250)
  watch.heard()
  expect(watch.latencyMs()).toBeUndefined()
  answers = true
  await vi.advanceTimersByTimeAsync(30_250)
  expect(watch.latencyMs()).toBe(250)
  watch.close()
})

test('what was heard last counts, with its age, whether it was asked or not', async () => {
  let problem: string | undefined = 'away'
  const watch = watchHealth(async () => {
    if (problem !== undefined) throw new Error(problem)
  })
  await vi.advanceTimersByTimeAsync(29_000)
  expect([watch.problem(), watch.ageMs()]).toEqual([undefined, 29_000])
  await vi.advanceTimersByTimeAsync(3000)
  expect([watch.problem(), watch.ageMs()]).toEqual(['away', 2000])
  watch.heard()
  await vi.advanceTimersByTimeAsync(5000)
  expect([watch.problem(), watch.ageMs()]).toEqual([undefined, 5000])
  watch.heard('cut off')
  expect([watch.problem(), watch.ageMs()]).toEqual(['cut off', 0])
  problem = undefined
  await vi.advanceTimersByTimeAsync(30_000)
  expect(watch.problem()).toBeUndefined()
  watch.close()
})
