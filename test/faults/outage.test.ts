import { describe, expect, test } from 'vitest'
import { runOutage } from './outage.ts'

describe('an outage of ClickHouse under full load', () => {
  // npm run bench:chaos -- --outage --minutes N: for minutes
  test('refuses, loses and doubles nothing, whichever of two instances is asked', async () => {
    const report = await runOutage({ seconds: 15, instances: 2 })
    expect(report.differences).toEqual([])
    expect(report.refused).toEqual({})
    expect(report.acknowledged).toBeGreaterThan(5000)
  }, 600_000)
})
