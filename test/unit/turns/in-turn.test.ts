import { expect, test } from 'vitest'
import { createTurns } from '../../../src/turns/in-turn.ts'

/** Work that ends when it is told to, on a clock that moves when it is told to. */
function scene(atOnce: number, ofOneCaller = atOnce) {
  let time = 0
  const inTurn = createTurns({ atOnce, ofOneCaller, now: () => time })
  const begun: string[] = []
  const ends: (() => void)[] = []
  const ask = (caller: string, name: string): Promise<string> =>
    inTurn(caller, async () => {
      begun.push(name)
      await new Promise<void>((resolve) => ends.push(resolve))
      return name
    })
  const endOne = async (afterMs = 1): Promise<void> => {
    time += afterMs
    ends.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { ask, begun, endOne, inTurn }
}

test('callers take turns, however many questions one of them has', async () => {
  const { ask, begun, endOne } = scene(1)
  const asked = [ask('ann', 'a1'), ask('ann', 'a2'), ask('ann', 'a3'), ask('bob', 'b1'), ask('cid', 'c1')]
  expect(begun).toEqual(['a1'])
  for (let i = 0; i < 5; i++) await endOne()
  expect(begun).toEqual(['a1', 'b1', 'c1', 'a2', 'a3'])
  expect(await Promise.all(asked)).toEqual(['a1', 'a2', 'a3', 'b1', 'c1'])
})

test('short questions of one caller do not wait for the long ones of another', async () => {
  const { ask, begun, endOne } = scene(1)
  const asked = [ask('ann', 'a1'), ask('ann', 'a2'), ...[1, 2, 3].map((n) => ask('bob', `b${n}`))]
  await endOne(1000)
  for (let i = 0; i < 4; i++) await endOne(10)
  expect(begun).toEqual(['a1', 'b1', 'b2', 'b3', 'a2'])
  await Promise.all(asked)
})

test('a caller who asks one thing after the other is remembered while others wait', async () => {
  const { ask, begun, endOne } = scene(1)
  const asked = [ask('ann', 'a1'), ask('bob', 'b1'), ask('bob', 'b2')]
  await endOne(1000)
  asked.push(ask('ann', 'a2'))
  for (let i = 0; i < 3; i++) await endOne(10)
  expect(begun).toEqual(['a1', 'b1', 'b2', 'a2'])
  await Promise.all(asked)
})

test('as many run at once as may, and one that fails makes room', async () => {
  const { ask, begun, inTurn, endOne } = scene(2)
  const failed = inTurn('ann', async () => {
    throw new Error('no')
  })
  const asked = [ask('ann', 'a1'), ask('ann', 'a2')]
  await expect(failed).rejects.toThrow('no')
  await new Promise((resolve) => setImmediate(resolve))
  expect(begun).toEqual(['a1', 'a2'])
  await endOne()
  await endOne()
  await Promise.all(asked)
})

test('one caller does not take every place', async () => {
  const { ask, begun, endOne } = scene(3, 1)
  const asked = [ask('ann', 'a1'), ask('ann', 'a2'), ask('bob', 'b1'), ask('ann', 'a3')]
  await new Promise((resolve) => setImmediate(resolve))
  expect(begun).toEqual(['a1', 'b1'])
  for (let i = 0; i < 4; i++) await endOne()
  expect(begun).toEqual(['a1', 'b1', 'a2', 'a3'])
  await Promise.all(asked)
})

test('one caller with too many is refused, and nobody else', async () => {
  const { ask, endOne } = scene(1)
  const asked = Array.from({ length: 101 }, (_, i) => ask('ann', `a${i}`))
  await expect(ask('ann', 'too many')).rejects.toMatchObject({ code: 'OVERLOADED' })
  const other = ask('bob', 'b')
  for (let i = 0; i < 102; i++) await endOne()
  await Promise.all(asked)
  await expect(other).resolves.toBe('b')
})
