import { calcPrice, findProvider } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createGenaiPriceList } from '../../../src/pricing/genai-price-list.ts'
import { createModelPatterns } from '../../../src/pricing/model-patterns.ts'

const PROVIDERS = ['anthropic', 'aws', 'google', 'openrouter']
const providers = PROVIDERS.map((providerId) => findProvider({ providerId })).filter((one) => one !== undefined)
const ids = providers.flatMap(({ models }) => models.map(({ id }) => id))

const isKnown = (model: string): boolean =>
  PROVIDERS.some((providerId) => calcPrice({}, model, { providerId }) !== null)

describe('the price list', () => {
  test('asks every provider that may know a model: none that the list knows is passed over', () => {
    const mayBeKnown = createModelPatterns(PROVIDERS)
    const part = fc.constantFrom(...ids.flatMap((id) => [id, ...id.split(/[-/.]/)]), '-20250929', '-20251332', '-v1:0')
    const name = fc.oneof(
      fc.constantFrom(...ids),
      fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('-')),
      fc.tuple(fc.constantFrom(...ids), part).map(([id, end]) => (id + end).toUpperCase()),
      fc.tuple(fc.string(), fc.constantFrom(...ids), fc.string()).map((parts) => parts.join('')),
    )
    // spaces around a name are none of it to the library
    for (const id of [...ids, ...ids.map((id) => ` \t${id} \n`)])
      expect([id, isKnown(id) && !mayBeKnown(id)]).toEqual([id, false])
    fc.assert(
      fc.property(name, (model) => {
        if (isKnown(model)) expect(mayBeKnown(model)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('lets few names through that nobody knows', () => {
    const mayBeKnown = createModelPatterns(PROVIDERS)
    const names = Array.from({ length: 1000 }, (_, i) => `house-model-${i}`)
    expect(names.filter(mayBeKnown)).toEqual([])
  })

  test('looks up many models without keeping the event loop from everything else', async () => {
    const { learn } = createGenaiPriceList()
    let turns = 0
    const turn = setInterval(() => turns++, 0)
    await learn(Array.from({ length: 20_000 }, (_, i) => `claude-sonnet-4-5-${i}`))
    clearInterval(turn)
    expect(turns).toBeGreaterThan(5)
  })

  test('remembers models within bounds, and prices them the same after it has forgotten them', () => {
    const { priceOf } = createGenaiPriceList()
    const before = priceOf('claude-sonnet-4-5-20250929', 2)
    expect(before).toBeDefined()
    for (let i = 0; i < 100_000; i++) priceOf(`${'x'.repeat(180)}-${i}`, 0)
    expect(priceOf('claude-sonnet-4-5-20250929', 2)).toEqual(before)
    expect(priceOf('x', 0)).toBeUndefined()
  })
})
