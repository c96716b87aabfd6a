import { describe, expect, test } from 'vitest'
import { createPublicationGate } from '../../../src/shipping/publication-gate.ts'

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('whoever reads and is waited for by nobody', () => {
  test('holds up no publication for ever, and is told that it was overtaken', async () => {
    const gate = createPublicationGate(2000, 1)
    const { promise: never, resolve: end } = Promise.withResolvers<string>()
    const reading = gate.readBriefly(() => never)
    expect(await gate.publish(async () => 'published')).toBe('published')
    end('read')
    await expect(reading).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('is let to its end by publications that add something, in their order, while other readers come and go', async () => {
    const gate = createPublicationGate(2000, 60_000)
    const events: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const reading = gate.readBriefly(async () => {
      await promise
      events.push('read briefly')
    })
    const publications = ['P', 'Q'].map((name) => gate.publish(async () => void events.push(name)))
    await gate.read(async () => void events.push('read'))
    await turns(3)
    resolve()
    await Promise.all([reading, ...publications])
    await gate.publish(async () => void events.push('R'))
    expect(events).toEqual(['read', 'read briefly', 'P', 'Q', 'R'])
  })

  test('is overtaken at once by a publication that switches what readers see, and by those before that one', async () => {
    const gate = createPublicationGate(2000, 60_000)
    const events: string[] = []
    const { promise: never, resolve: end } = Promise.withResolvers<void>()
    const reading = gate.readBriefly(() => never)
    await Promise.all([
      gate.publish(async () => void events.push('adds')),
      gate.publish(async () => void events.push('switches'), true),
    ])
    expect(events).toEqual(['adds', 'switches'])
    end()
    await expect(reading).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})
