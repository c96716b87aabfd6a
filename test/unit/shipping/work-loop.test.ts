import { expect, onTestFinished, test } from 'vitest'
import { createWorkLoop, type Work } from '../../../src/shipping/work-loop.ts'
import { until } from '../../support/until.ts'

/** A loop over pieces of work; what it does is noted in order. */
function loopOver(pieces: string[], work: Partial<Work> = {}) {
  const done: string[] = []
  const loop = createWorkLoop({
    settle: async () => {},
    async step() {
      const piece = pieces.shift()
      if (piece !== undefined) done.push(piece)
      return piece !== undefined
    },
    idle: async () => void done.push('idle'),
    failed: (error) => done.push(error.message),
    closing: () => new Error('closing'),
    ...work,
  })
  onTestFinished(() => loop.close())
  return { loop, done }
}

const whenIdle = (done: readonly string[]) => until('it to be idle', () => done.includes('idle') || undefined)

test('does nothing before it is kicked, then all that there is, then tells that it is idle', async () => {
  const { loop, done } = loopOver(['a', 'b'])
  await Promise.resolve()
  expect(done).toEqual([])
  loop.kick()
  await whenIdle(done)
  expect(done).toEqual(['a', 'b', 'idle'])
})

test('a job runs between two pieces of the work, never beside one', async () => {
  let isWorking = false
  const { loop, done } = loopOver([], {
    async step() {
      isWorking = true
      await new Promise(setImmediate)
      isWorking = false
      return done.push('piece') < 5
    },
  })
  loop.kick()
  expect(await loop.exclusive(async () => isWorking)).toBe(false)
})

test('what a job leaves halfway is settled before the next job', async () => {
  const { loop, done } = loopOver([], { settle: async () => void done.push('settled') })
  const jobs = ['one', 'two'].map((job) =>
    loop.exclusive(async () => {
      done.push(job)
      throw new Error(job)
    }),
  )
  await Promise.allSettled(jobs)
  await whenIdle(done)
  expect(done).toEqual(['settled', 'one', 'settled', 'two', 'settled', 'idle'])
})

test('what fails is tried again by itself, and says so until it works; whoever waits with a job hears of it', async () => {
  let broken = true
  const { loop, done } = loopOver(['a'], {
    async settle() {
      if (broken) throw new Error('away')
    },
  })
  await expect(loop.exclusive(async () => {})).rejects.toThrow('away')
  expect(loop.problem()).toBe('away')
  broken = false
  await whenIdle(done)
  expect([loop.problem(), done]).toEqual([undefined, ['away', 'a', 'idle']])
})

test('a job does not wait for the end of a back-off', async () => {
  let broken = true
  const { loop } = loopOver([], {
    async settle() {
      if (broken) throw new Error('away')
    },
  })
  // one of the next tries would come after more than a minute
  for (let failure = 0; failure < 12; failure++) await expect(loop.exclusive(async () => {})).rejects.toThrow('away')
  broken = false
  const started = performance.now()
  expect(await loop.exclusive(async () => 'done')).toBe('done')
  expect(performance.now() - started).toBeLessThan(5000)
  await until('it to work again', () => loop.problem() === undefined || undefined)
})

test('what failed is tried at once when whoever knows says that it may work again', async () => {
  let broken = true
  const { loop, done } = loopOver(['a'], {
    async settle() {
      if (broken) throw new Error('away')
    },
  })
  // one of the next tries would come after more than a minute
  for (let failure = 0; failure < 12; failure++) await expect(loop.exclusive(async () => {})).rejects.toThrow('away')
  broken = false
  loop.kick()
  await new Promise(setImmediate)
  expect(loop.problem()).toBe('away')
  loop.tryNow()
  await new Promise(setImmediate)
  expect([loop.problem(), done.slice(-2)]).toEqual([undefined, ['a', 'idle']])
})

test('a job that fails is told to whoever waits for it, and holds up nothing', async () => {
  const { loop, done } = loopOver(['a'])
  await expect(loop.exclusive(() => Promise.reject(new Error('of the job')))).rejects.toThrow('of the job')
  await whenIdle(done)
  expect(done).toEqual(['a', 'idle'])
})

test('does nothing once it is closed, and finishes what it is at before', async () => {
  const started = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const { loop, done } = loopOver([], {
    async step() {
      started.resolve()
      await goOn.promise
      return done.push('piece') > 0
    },
  })
  loop.kick()
  await started.promise
  const late = loop.exclusive(async () => {})
  const closed = loop.close()
  goOn.resolve()
  await expect(late).rejects.toThrow('closing')
  await closed
  await expect(loop.exclusive(async () => {})).rejects.toThrow('closing')
  loop.kick()
  expect(done).toEqual(['piece'])
})
