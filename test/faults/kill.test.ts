import { describe, expect, test } from 'vitest'
import { ALL_CASES } from '../support/all-cases.ts'
import { runKillLoop } from './kill-loop.ts'

describe('a server that is killed at any moment', () => {
  test('loses nothing that was planted or acknowledged, and counts nothing twice: 12 kills', async () => {
    const report = await runKillLoop({ kills: 12, seed: 1 })
    expect(report.differences).toEqual([])
    expect(report.acknowledged).toBeGreaterThan(60)
  }, 900_000)

  test('loses and doubles nothing in a ClickHouse server either, which is killed, too: 6 kills', async () => {
    const report = await runKillLoop({ kills: 6, seed: 2, clickhouseServer: true })
    expect(report.differences).toEqual([])
    expect(report.acknowledged).toBeGreaterThan(30)
    expect(report.crashes).toBeGreaterThan(0)
  }, 900_000)

  // each is killed at the moment for which the step is there: by chance it might not be met
  const steps = [
    { broken: 'rollback-keeps-ledger', at: 'statement drop-run:after:1', carried: true },
    { broken: 'no-read-back', at: 'statement write-batches:before:1', operated: false },
    { broken: 'ledger-before-store', at: 'statement note-batches:before:1', operated: false },
  ]
  test.each(ALL_CASES ? steps : steps.slice(0, 1))(
    'the judge notices a broken step, which taking stock at the next start mends: $broken',
    async ({ broken, ...life }) => {
      const judged = (step: string): Promise<string[]> =>
        runKillLoop({ kills: 1, seed: 5, ...life, broken: step })
          .then((report) => report.differences)
          .catch((error: Error) => [error.message])
      expect(await judged(`${broken},no-stock`)).not.toEqual([])
      // the same life with the stock that is taken: the judge has nothing to say
      expect(await judged(broken)).toEqual([])
    },
    900_000,
  )
})
