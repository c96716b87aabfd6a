import { describe, expect, test } from 'vitest'
import { ALL_CASES } from '../support/all-cases.ts'
import { runInstancesLoop } from './instances-loop.ts'
import { judgeAcknowledged, judgeTakeOver, judgeTornAnswer } from './take-over.ts'

const HOUR_MS = 3_600_000

describe('three instances, each of which is killed, stopped, robbed of its folder, or has a clock that is an hour off', () => {
  test('answer exactly, or say that they are stale, and never less than before: 8 faults', async () => {
    const report = await runInstancesLoop({ faults: 8, seed: 1, instances: 3 })
    expect(report.differences).toEqual([])
    expect(report.acknowledged).toBeGreaterThan(30)
    expect(report.sources).toHaveProperty('CLICKHOUSE')
    expect(report.stale).toBeLessThan(report.answers / 2)
  }, 900_000)
})

// each stalls at the moment for which the step is there: by chance it might not be met
describe('the judge of several instances notices a broken step', () => {
  const steps = [
    // its clock is ahead, so that what it still sends would be the latest
    { broken: 'no-fence', stallAt: 'statement mark-batches:before:2', clockShiftMs: HOUR_MS },
    { broken: 'no-clearing', stallAt: 'statement swap-winners:before:1' },
    { broken: 'no-second-look' },
  ]
  test.each(ALL_CASES ? steps : steps.slice(0, 1))(
    'of a publisher that stalls and wakes up when another one has gone on: $broken',
    async ({ broken, ...how }) => {
      if (ALL_CASES) expect(await judgeTakeOver(how)).toEqual([])
      expect(await judgeTakeOver({ ...how, broken })).not.toEqual([])
    },
    300_000,
  )

  test('of an instance that is asked right after another one has acknowledged something: no-look', async () => {
    expect(await judgeAcknowledged()).toEqual([])
    expect(await judgeAcknowledged('no-look')).not.toEqual([])
  }, 300_000)

  test('of a reader, between whose statements something is published: no-head', async () => {
    expect(await judgeTornAnswer()).toEqual([])
    expect(await judgeTornAnswer('no-head')).not.toEqual([])
  }, 300_000)
})
