import { describe, expect, test } from 'vitest'
import { runKillLoop } from './kill-loop.ts'

describe('a server that is killed at any moment', () => {
  test('loses nothing that was planted or acknowledged, and counts nothing twice: 20 kills', async () => {
    const report = await runKillLoop({ kills: 20, seed: 1 })
    expect(report.differences).toEqual([])
    expect(report.acknowledged).toBeGreaterThan(100)
  }, 900_000)

  test.each([
    ['no-read-back', false],
    ['ledger-before-store', false],
    ['rollback-keeps-ledger', true],
  ])(
    'the judge notices a broken step: %s',
    async (broken, operated) => {
      const report = await runKillLoop({ kills: 12, seed: 5, broken, operated }).catch((error: Error) => ({
        differences: [error.message],
      }))
      expect(report.differences).not.toEqual([])
    },
    900_000,
  )
})
