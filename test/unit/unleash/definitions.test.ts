import { describe, expect, test } from 'vitest'
import { DefinitionsRepository, describeChanges, parseDefinitions } from '../../../src/unleash/definitions.ts'

const experiment = (weights: [legacy: number, database: number], constraints: object[] = []) => ({
  name: 'dashboard_ab_test',
  enabled: true,
  strategies: [
    {
      name: 'flexibleRollout',
      parameters: { rollout: '50' },
      constraints,
      variants: [
        { name: 'legacy', weight: weights[0] },
        { name: 'database', weight: weights[1] },
      ],
    },
  ],
})
const onOff = (enabled: boolean) => ({ name: 'database_bridge_enabled', enabled, strategies: [{ name: 'default' }] })

/** What is told where one list of flags follows another. */
function told(before: object[], after: object[]): string {
  const repository = new DefinitionsRepository()
  repository.set(parseDefinitions(JSON.stringify({ features: before })))
  return describeChanges(repository.set(parseDefinitions(JSON.stringify({ features: after }))))
}

describe('a change of the flags', () => {
  test('is told from what to what', () => {
    expect(told([onOff(true), experiment([900, 100])], [onOff(false), experiment([500, 500])])).toBe(
      'database_bridge_enabled: on → off; dashboard_ab_test: on (flexibleRollout 50%; legacy 900, database 100) → on (flexibleRollout 50%; legacy 500, database 500)',
    )
    expect(told([], [onOff(true)])).toBe('database_bridge_enabled: missing → on')
    expect(told([onOff(true)], [])).toBe('database_bridge_enabled: on → missing')
  })

  test('of what is not shown is told all the same', () => {
    const staff = [{ contextName: 'userId', operator: 'IN', values: ['ann'] }]
    expect(told([experiment([900, 100])], [experiment([900, 100], staff)])).toBe(
      'dashboard_ab_test: on (flexibleRollout 50%; legacy 900, database 100), with other constraints, segments or payloads',
    )
  })

  test('is none where nothing changed', () => {
    expect(told([onOff(true)], [onOff(true)])).toBe('')
  })

  test('is none where Unleash only says more of a flag than the file did', () => {
    const inUnleash = {
      ...onOff(true),
      type: 'kill-switch',
      project: 'default',
      stale: false,
      impressionData: false,
      strategies: [{ name: 'default', constraints: [], parameters: {}, variants: [] }],
      variants: [],
    }
    expect(told([onOff(true)], [inUnleash])).toBe('')
    expect(told([inUnleash], [{ ...inUnleash, dependencies: [{ feature: 'other', enabled: true }] }])).not.toBe('')
  })
})
