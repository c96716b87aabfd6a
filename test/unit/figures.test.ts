import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { keptRuns, withFigures } from '../../bench/figures.ts'

test("the README's figures are those of the last run of each benchmark", () => {
  const readme = readFileSync('README.md', 'utf8')
  expect(readme).toBe(withFigures(readme, keptRuns()))
})
