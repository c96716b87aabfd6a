import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openFlagsFile } from '../../src/unleash/flags-file.ts'
import { flagsFile } from '../support/flags.ts'
import {
  connect,
  experimentWith,
  featureOf,
  SHIPPED,
  says,
  shadowReads,
  shipped,
  startOddUnleash,
  strategyWith,
  without,
} from '../support/odd-unleash.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

describe('a flag that makes no sense', () => {
  const LEGACY: [string, string, RegExp][] = [
    [
      'the experiment is not defined',
      without('dashboard_ab_test'),
      /^dashboard_ab_test is not defined: everybody is in/,
    ],
    [
      'the experiment is malformed',
      experimentWith((feature) => (feature.enabled = 'no')),
      /^dashboard_ab_test is malformed \(enabled /,
    ],
    [
      'the experiment has an unknown strategy alone',
      experimentWith((feature) => (feature.strategies = [{ name: 'moonPhase', parameters: {} }])),
      /^dashboard_ab_test has the strategy "moonPhase"/,
    ],
    [
      'the experiment has a segment that is missing',
      strategyWith({ segments: [7] }),
      /^dashboard_ab_test has the segment 7, which is missing/,
    ],
    [
      'the experiment has a constraint without values',
      strategyWith({ constraints: [{ contextName: 'userId', operator: 'IN' }] }),
      /^dashboard_ab_test cannot be evaluated/,
    ],
    [
      'the experiment has no strategy and no variants',
      experimentWith((feature) => (feature.strategies = [])),
      /no variant/,
    ],
    [
      'the experiment’s variants weigh nothing',
      strategyWith({ variants: [{ name: 'database', weight: 0 }] }),
      /no variant/,
    ],
  ]
  test.each(LEGACY)('puts everybody in the cohort legacy: %s', async (_what, answer, problem) => {
    const server = await startOddUnleash(says(answer))
    const { flags, problems } = await connect(server.url)
    for (const user of ['ann', 'bob', 'cy', 'dan', 'eve']) expect(flags.of(user).cohort).toBe('legacy')
    expect(problems).toContainEqual(expect.stringMatching(problem))
    expect(flags.health().state).toBe('DEGRADED')
    const told = problems.length
    for (let i = 0; i < 100; i++) expect(flags.of(`user-${i}`).cohort).toBe('legacy')
    expect(problems).toHaveLength(told)
    server.say(says(SHIPPED))
    await until('it to be well again', () => flags.health().state === 'UP' || undefined)
    expect(flags.of('ann').cohort).toBeNull()
  })

  test('is off where it is missing, and the kill switch, too', async () => {
    const server = await startOddUnleash(
      says(without('database_bridge_enabled', 'historical_data_enabled', 'user_source_choice_enabled')),
    )
    const { flags, problems } = await connect(server.url)
    expect(flags.of('ann')).toMatchObject({
      databaseBridge: false,
      historicalData: false,
      userSourceChoice: false,
      realTimeUpdates: true,
    })
    expect(problems).toEqual(
      ['database_bridge_enabled', 'historical_data_enabled', 'user_source_choice_enabled'].map(
        (name) => `${name} is not defined: it counts as off`,
      ),
    )
  })

  test('is one that is given twice: nobody can know which of them is meant', async () => {
    const twice = shipped()
    for (const name of ['database_bridge_enabled', 'dashboard_ab_test']) {
      const one = structuredClone(featureOf(twice, name))
      one.enabled = !one.enabled
      twice.features.push(one)
    }
    const path = flagsFile()
    writeFileSync(path, JSON.stringify(twice))
    const problems: string[] = []
    const flags = await openFlagsFile(path, { onProblem: (problem) => problems.push(problem), onSolved() {} })
    onTestFinished(() => flags.close())
    expect(problems).toEqual([
      'database_bridge_enabled is malformed (it is given 2 times): it counts as off',
      'dashboard_ab_test is malformed (it is given 2 times): everybody is in the cohort legacy',
    ])
    expect(flags.of('ann')).toMatchObject({ databaseBridge: false, cohort: 'legacy', historicalData: true })
    writeFileSync(path, SHIPPED)
    await until('it to be well again', () => flags.health().state === 'UP' || undefined)
    expect(flags.of('ann').databaseBridge).toBe(true)
  })

  test('does not hold up the others: the kill switch still works beside a malformed flag', async () => {
    const odd = shipped()
    featureOf(odd, 'database_bridge_enabled').enabled = false
    const features = [...odd.features, null, 7, { name: 'of_somebody_else', enabled: [] }]
    const server = await startOddUnleash(says(JSON.stringify({ ...odd, features })))
    const { flags } = await connect(server.url)
    expect(flags.of('ann').databaseBridge).toBe(false)
    expect(flags.health().state).toBe('UP')
  })

  test.each([
    ['abc'],
    ['1e400'],
    ['0x1'],
    [''],
    [null],
    [{ rate: 1 }],
    [[0.5]],
    [true],
    ['-1'],
    ['1.5'],
    ['9'.repeat(400)],
    [Number.MAX_VALUE],
  ])('is no rate of shadow reads: %j', async (value) => {
    const server = await startOddUnleash(says(shadowReads(value)))
    const { flags, problems } = await connect(server.url)
    expect(flags.of('ann').shadowReads).toBe(0)
    expect(problems).toEqual([expect.stringMatching(/^shadow_reads_enabled is on without a payload/)])
  })

  test.each([
    ['0.01', 0.01],
    ['1', 1],
    ['0', 0],
    [0.5, 0.5],
  ])('is a rate of shadow reads: %j', async (value, rate) => {
    const server = await startOddUnleash(says(shadowReads(value)))
    const { flags } = await connect(server.url)
    expect(flags.of('ann').shadowReads).toBe(rate)
    expect(flags.health().state).toBe('UP')
  })

  test('in the flags file is told in the same way', async () => {
    const path = join(makeFolder(), 'flags.json')
    writeFileSync(path, without('dashboard_ab_test'))
    const problems: string[] = []
    const flags = await openFlagsFile(path, { onProblem: (problem) => problems.push(problem), onSolved() {} })
    onTestFinished(() => flags.close())
    expect(flags.of('ann').cohort).toBe('legacy')
    expect(problems).toEqual(['dashboard_ab_test is not defined: everybody is in the cohort legacy'])
    expect(flags.health()).toMatchObject({ state: 'DEGRADED', detail: `the file ${path}; ${problems[0]}` })
  })
})
