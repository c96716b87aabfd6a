import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FLAG_NAMES } from '../../../src/ports/flags.ts'

test.each(Object.values(FLAG_NAMES))('the flag %s comes with the program, and stands in docs/flags.md', (name) => {
  const { features } = JSON.parse(readFileSync('flags/default.json', 'utf8')) as { features: { name: string }[] }
  expect(features.map((feature) => feature.name)).toContain(name)
  expect(readFileSync('docs/flags.md', 'utf8')).toContain(`\n| \`${name}\` |`)
})
