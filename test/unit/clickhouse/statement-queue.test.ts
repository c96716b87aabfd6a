import { expect, test } from 'vitest'
import { createStatementQueue } from '../../../src/clickhouse/statement-queue.ts'

/** A queue, and statements that end when they are told to. */
function scene(maxBytes: number) {
  const queue = createStatementQueue(maxBytes)
  const begun: string[] = []
  const ends: (() => void)[] = []
  const ask = (name: string, bytes: number): Promise<string> =>
    queue.run(bytes, async () => {
      begun.push(name)
      await new Promise<void>((resolve) => ends.push(resolve))
      return name
    })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  const endOne = async (): Promise<void> => {
    await settle()
    ends.shift()?.()
    await settle()
  }
  return { queue, ask, begun, endOne }
}

test('statements go one after the other, whether one fails or not', async () => {
  const { queue, ask, begun, endOne } = scene(100)
  const failed = queue.run(1, () => Promise.reject(new Error('no')))
  const asked = [ask('a', 1), ask('b', 1)]
  await expect(failed).rejects.toThrow('no')
  expect(begun).toEqual(['a'])
  await endOne()
  expect(begun).toEqual(['a', 'b'])
  await endOne()
  expect(await Promise.all(asked)).toEqual(['a', 'b'])
  await queue.whenDone()
})

test('as many bytes wait as may, and more are refused, except where nothing waits', async () => {
  const { ask, endOne } = scene(100)
  const asked = [ask('larger than all', 1000)]
  await expect(ask('b', 1)).rejects.toThrow('waiting')
  await endOne()
  // small ones by their bytes, not by their number
  for (let n = 0; n < 100; n++) asked.push(ask(`c${n}`, 1))
  await expect(ask('d', 1)).rejects.toThrow('waiting')
  for (let n = 0; n < 100; n++) await endOne()
  await Promise.all(asked)
  const later = ask('e', 100)
  await endOne()
  await expect(later).resolves.toBe('e')
})
