import { describe, expect, test } from 'vitest'
import { runInstancesLoop } from './instances-loop.ts'

describe('three instances, which are killed, stopped, robbed of their folders and have wrong clocks', () => {
  // npm run bench:chaos -- --minutes N --seed S: for longer
  test('answer exactly, or say that they are stale, while all that they depend on has faults, too', async () => {
    const report = await runInstancesLoop({ minutes: 0.5, seed: 3, instances: 3, disturbed: true })
    expect(report.differences).toEqual([])
    expect(report.acknowledged).toBeGreaterThan(0)
    const parts = Object.keys(report.faults).filter((fault) => /^(ClickHouse|Redis|Unleash) /.test(fault))
    expect(parts.length).toBeGreaterThan(1)
  }, 900_000)
})
