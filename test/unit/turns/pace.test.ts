import { setImmediate } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { collectInSlices, finishInSlices, turnOf } from '../../../src/turns/event-loop.ts'
import { eachGivingWay } from '../../../src/turns/pace.ts'

/** A clock that goes on by what is worked alone, an item a millisecond, and how much was worked so far. */
function workClock() {
  let worked = 0
  vi.spyOn(performance, 'now').mockImplementation(() => worked)
  return {
    worked: () => worked,
    items: function* (count: number) {
      for (let i = 0; i < count; i++) {
        worked++
        yield undefined
      }
    },
  }
}

test('works that begin in one turn of the event loop share its time: 50 fields of an answer hold up others no longer than one', async () => {
  const clock = workClock()
  const all = Array.from({ length: 50 }, (_, i) => {
    const turn = () => turnOf('ann')
    if (i % 3 === 0) return collectInSlices(clock.items(4), turn)
    return i % 3 === 1 ? finishInSlices(clock.items(4), turn) : eachGivingWay(clock.items(4), () => undefined)
  })
  // all of them have begun as far as they may, and nobody else had a turn
  for (let tick = 0; tick < 1000; tick++) await undefined
  expect(clock.worked()).toBeLessThan(10)
  await Promise.all(all)
  expect(clock.worked()).toBe(200)
})

test('work that begins in a later turn of the event loop has time of its own', async () => {
  const clock = workClock()
  const first = eachGivingWay(clock.items(20), () => undefined)
  await setImmediate()
  await first
  await setImmediate()
  const before = clock.worked()
  const second = eachGivingWay(clock.items(4), () => undefined)
  for (let tick = 0; tick < 100; tick++) await undefined
  expect(clock.worked() - before).toBe(4)
  await second
})
