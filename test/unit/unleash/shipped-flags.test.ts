import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FLAG_FACTS, FLAG_NAMES, type FlagKey } from '../../../src/ports/flags.ts'

const NAMES: ReadonlySet<string> = new Set(Object.values(FLAG_NAMES))
const keys = Object.keys(FLAG_NAMES) as FlagKey[]
const declared = keys.map((key) => ({ name: FLAG_NAMES[key], ...FLAG_FACTS[key] }))

test('the flags that come with the program are those that are declared, of the same kinds', () => {
  const { features } = JSON.parse(readFileSync('flags/default.json', 'utf8')) as {
    features: { name: string; type: string }[]
  }
  const shipped = features.map(({ name, type }) => ({ name, kind: type }))
  expect(shipped).toEqual(declared.map(({ name, kind }) => ({ name, kind })))
})

test('the table of docs/flags.md has the flags that are declared, with kind, owner and expected end', () => {
  const rows = readFileSync('docs/flags.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(' | ').slice(0, 4).join(' | '))
  expect(rows).toEqual(
    declared.map(
      ({ name, kind, owner, expectedEnd }) => `| \`${name}\` | ${kind} | ${owner} | ${expectedEnd ?? 'stays'}`,
    ),
  )
})

test('a flag that is meant to go says when, as a day that there is', () => {
  for (const { expectedEnd } of declared)
    if (expectedEnd !== null) expect(new Date(expectedEnd).toISOString().slice(0, 10)).toBe(expectedEnd)
})

/** What looks like the name of a flag. */
const LIKE_A_FLAG = /\b[a-z]+(?:_[a-z]+)*_(?:enabled|disabled|ab_test|experiment|rollout)\b/g
/** A member of an answer of Unleash's client. */
const NO_FLAGS: ReadonlySet<string> = new Set(['feature_enabled'])
const LOOKED_AT = [
  'src',
  'scripts',
  'flags',
  'docs',
  'examples',
  'schema',
  'README.md',
  'CONTRIBUTING.md',
  'compose.yaml',
]

const filesIn = (path: string): string[] =>
  statSync(path).isFile()
    ? [path]
    : readdirSync(path)
        .filter((name) => name !== 'node_modules')
        .flatMap((name) => filesIn(join(path, name)))

const unknownIn = (text: string): string[] =>
  (text.match(LIKE_A_FLAG) ?? []).filter((name) => !NAMES.has(name) && !NO_FLAGS.has(name))

describe('a name that looks like a flag and is none', () => {
  test('stands nowhere in code, flags files and documents', () => {
    const files = LOOKED_AT.flatMap(filesIn)
    expect(files.length).toBeGreaterThan(400)
    expect(files.flatMap((path) => unknownIn(readFileSync(path, 'utf8')).map((name) => `${path}: ${name}`))).toEqual([])
  })

  test('would be found', () => {
    expect(unknownIn('isOn("realtime_updates_enabled"), database_bridge_enabled')).toEqual(['realtime_updates_enabled'])
  })

  test('is what every declared name would be, were it not declared', () => {
    for (const name of NAMES) expect(name).toMatch(new RegExp(`^${LIKE_A_FLAG.source}$`))
  })
})
