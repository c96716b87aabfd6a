import { expect, test } from 'vitest'
import { createRandom } from '../../../corpus/random.ts'
import { runJournalWorld } from '../../support/journal-world.ts'

test('whatever happens to instances and database, no answer lacks what was acknowledged before it without saying so', async () => {
  const seeds = Array.from({ length: 40 }, (_, i) => i)
  const reports = await Promise.all(seeds.map((seed) => runJournalWorld(2 + (seed % 3), 400, createRandom(seed).next)))
  expect(reports.flatMap(({ wrong }, seed) => wrong.map((what) => `seed ${seed}: ${what}`))).toEqual([])
  const sum = (of: (report: (typeof reports)[number]) => number): number =>
    reports.reduce((all, one) => all + of(one), 0)
  // each of them has happened, often
  expect(sum(({ acknowledged }) => acknowledged)).toBeGreaterThan(100)
  expect(sum(({ said }) => said.lacking)).toBeGreaterThan(100)
  expect(sum(({ said }) => said.whole)).toBeGreaterThan(100)
})
