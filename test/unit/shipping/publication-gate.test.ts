import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { createPublicationGate } from '../../../src/shipping/publication-gate.ts'

describe('the publication gate', () => {
  test('lets many read at once and one publish, in the order in which they asked', async () => {
    const gate = createPublicationGate()
    const events: string[] = []
    const step = (name: string) => async () => {
      events.push(`${name} begins`)
      await new Promise((resolve) => setImmediate(resolve))
      events.push(`${name} ends`)
    }
    await Promise.all([
      gate.read(step('a')),
      gate.read(step('b')),
      gate.publish(step('P')),
      gate.read(step('c')),
      gate.publish(step('Q')),
    ])
    expect(events).toEqual([
      'a begins',
      'b begins',
      'a ends',
      'b ends',
      'P begins',
      'P ends',
      'c begins',
      'c ends',
      'Q begins',
      'Q ends',
    ])
  })

  test('what changes nothing that readers see waits for publications, and they for it, but readers do not', async () => {
    const gate = createPublicationGate()
    const events: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const step =
      (name: string, until = Promise.resolve()) =>
      async () => {
        events.push(`${name} begins`)
        await until
        events.push(`${name} ends`)
      }
    const all = [
      gate.publish(step('P')),
      gate.aside(step('A', promise)),
      gate.aside(step('B')),
      gate.read(step('a')),
      gate.publish(step('Q')),
    ]
    await all[3]
    resolve()
    await Promise.all(all)
    const reading = ['a begins', 'a ends']
    expect(events.filter((event) => !reading.includes(event))).toEqual([
      'P begins',
      'P ends',
      'A begins',
      'A ends',
      'B begins',
      'B ends',
      'Q begins',
      'Q ends',
    ])
    expect(events.indexOf('a ends')).toBeLessThan(events.indexOf('A ends'))
  })

  test('a reader does not wait for ever for a publication that does not end', async () => {
    const gate = createPublicationGate(20)
    const { promise, resolve } = Promise.withResolvers<void>()
    const publication = gate.publish(() => promise)
    await expect(gate.read(async () => 1)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
    resolve()
    await publication
    expect(await gate.read(async () => 2)).toBe(2)
  })

  test('keeps nothing of what was read', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const gate = createPublicationGate()
    const read = new WeakRef(await gate.read(async () => ({ an: 'answer' })))
    // a WeakRef keeps what it points to until the turn of the event loop ends
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    expect(read.deref()).toBeUndefined()
  })

  test('a failure is told to whoever asked, and holds nobody else up', async () => {
    const gate = createPublicationGate()
    const fail = () => Promise.reject(new Error('no'))
    const results = await Promise.allSettled([gate.read(fail), gate.publish(fail), gate.read(async () => 1)])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  })
})
