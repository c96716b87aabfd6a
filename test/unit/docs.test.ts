import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BridgeError, ERROR_CODES } from '../../src/domain/errors.ts'
import { FAULTS } from '../faults/faults.ts'
import { sectionsOf } from '../support/sections.ts'

const DOCS = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...markdownIn('docs'), ...markdownIn('examples')].filter(
  (path) => existsSync(path),
)

function markdownIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
}

/** `[text](path "title")`: path and title of each. */
const linksOf = (path: string): { to: string; title: string | undefined }[] =>
  [...readFileSync(path, 'utf8').matchAll(/\]\(([^)\s]+)(?: "([^"]*)")?\)/g)].map(([, to, title]) => ({
    to: to as string,
    title,
  }))

describe('the documents', () => {
  test.each(DOCS)('%s links to what is there', (path) => {
    for (const { to } of linksOf(path)) {
      if (/^https?:/.test(to)) continue
      const [file, anchor] = to.split('#') as [string, string | undefined]
      const target = file === '' ? path : join(dirname(path), file)
      expect(existsSync(target), `${path} links to ${to}`).toBe(true)
      if (anchor !== undefined) expect([...sectionsOf(target).keys()], `${path} links to ${to}`).toContain(anchor)
    }
  })

  test('name for each damage a test that there is', () => {
    const named = linksOf('docs/reliability.md').filter(({ title }) => title !== undefined)
    expect(named.length).toBeGreaterThan(50)
    for (const { to, title } of named) {
      const source = readFileSync(join('docs', to), 'utf8')
      expect(source.includes(title as string), `${to} has no test ${title}`).toBe(true)
    }
  })

  test('name a test in every row of the damages', () => {
    const rows = readFileSync('docs/reliability.md', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (damage|fault|---)/.test(line))
    for (const row of rows) expect(row).toMatch(/\.test\.ts "/)
  })

  test('have each fault of each dependency, with a test of that dependency', () => {
    const matrix = readFileSync('docs/reliability.md', 'utf8')
    const dependencies = Object.entries(FAULTS)
    expect(matrix).toContain(`| fault | ${dependencies.map(([name]) => name).join(' | ')} |`)
    for (const fault of new Set(dependencies.flatMap(([, faults]) => faults as readonly string[]))) {
      const cells = new RegExp(`^\\| ${fault} \\| (.*) \\|$`, 'm').exec(matrix)?.[1]?.split(' | ')
      for (const [i, [name, faults]] of dependencies.entries()) {
        const can = (faults as readonly string[]).includes(fault)
        expect(cells?.[i], `${fault}, ${name}`).toMatch(can ? `${name.toLowerCase()}-faults.test.ts` : /^— ./)
      }
    }
  })

  const threats = readFileSync('docs/security.md', 'utf8')

  test('name for each threat what stands against it, and a test', () => {
    const rows = threats
      .slice(0, threats.indexOf('## The lists of OWASP'))
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (threat|---)/.test(line))
    expect(rows.length).toBeGreaterThan(40)
    for (const row of rows) {
      const [, control, shownBy] = row.split(' | ')
      expect(control, row).toMatch(/\]\(\.\.\/(?!test\/)/)
      expect(shownBy, row).toMatch(/\]\(\.\.\/test\/\S+\.test\.ts\)/)
    }
  })

  test('name every file of test/security with its threat', () => {
    const files = readdirSync('test/security', { recursive: true, encoding: 'utf8' })
    for (const file of files.filter((name) => name.endsWith('.test.ts')))
      expect(threats, `docs/security.md lacks ${file}`).toContain(`](../test/security/${file})`)
  })

  test('say of each of the ten risks of APIs what there is, or is not', () => {
    const risks = [...threats.matchAll(/^\| API(\d+) [^|]+ \| \S[^|]{40,} \|$/gm)].map(([, number]) => Number(number))
    expect(risks).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('have each error code in docs/client.md, in the order of the code, and say which may be tried again', () => {
    const rows = [...readFileSync('docs/client.md', 'utf8').matchAll(/^\| `([A-Z_]+)` \| (yes|no) \| .{15,} \|$/gm)]
    expect(rows.map(([, code, retryable]) => [code, retryable])).toEqual(
      ERROR_CODES.map((code) => [code, new BridgeError(code, '').retryable ? 'yes' : 'no']),
    )
  })

  const glossary = readFileSync('docs/glossary.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (word|---)/.test(line))
    .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '')) as [string, string, string])

  test.each(glossary)('have %s in the glossary, which names what there is in code', (_word, meaning, code) => {
    const [, symbol, path] = /^(?:`(\w+)` in )?\[[^\]]+\]\(\.\.\/(src\/[^)]+)\)$/.exec(code) ?? []
    expect(meaning.length).toBeGreaterThan(20)
    expect(path, code).toBeDefined()
    if (symbol !== undefined) expect(readFileSync(path as string, 'utf8')).toMatch(new RegExp(`\\b${symbol}\\b`))
    else expect(existsSync(path as string)).toBe(true)
  })

  test('have each word once in the glossary, in the order of the alphabet', () => {
    const words = glossary.map(([word]) => word)
    expect(words.length).toBeGreaterThan(50)
    expect(words).toEqual([...new Set(words)].sort((a, b) => a.localeCompare(b, 'en')))
  })

  // the terms of the domain that everything else is explained by
  test.each([
    'transcript',
    'token record',
    'enhanced analysis',
    'ClickHouse source',
    'hybrid',
    'migration',
    'migration progress',
    'cohort',
    'source decision',
    'provenance',
    'log',
    'copy',
    'winner',
    'cache generation',
    'watermark',
    'archived',
  ])('explain the term %s of the domain in the glossary', (term) => {
    expect(glossary.map(([word]) => word)).toContain(term)
  })
})
