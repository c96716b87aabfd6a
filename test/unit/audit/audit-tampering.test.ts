// Where a chain has a seam: its oldest files went, its head is another one, its key was changed.
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { acknowledgeDamage } from '../../../src/audit/acknowledging.ts'
import { verifyAudit } from '../../../src/audit/verify.ts'
import { filesOf, KEY, linesOf, open, verdictOf, written, writtenEarlier } from '../../support/audit-folder.ts'

const SMALL = { maxFileBytes: 600, maxBytes: 1500 }
const OTHER_KEY = Buffer.alloc(32, 8)
const headOf = (folder: string): string => join(folder, 'head.json')
const linesIn = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split(/(?<=\n)/)
    .filter((line) => line !== '')

/** What verification says after a change, which is undone. */
function problemAfter(folder: string, change: () => void): string | undefined {
  const kept = readdirSync(folder).map((name) => [join(folder, name), readFileSync(join(folder, name))] as const)
  change()
  const { problem } = verdictOf(folder)
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  for (const [path, bytes] of kept) writeFileSync(path, bytes)
  return problem
}

describe('an audit log whose oldest files went', () => {
  test('is not what was written where any byte is another one: behind the cut, nor in what says that it was cut', async () => {
    const folder = await written(16, SMALL)
    expect(verdictOf(folder).problem).toBeUndefined()
    expect(linesOf(folder)[0].position).toBeGreaterThan(0)
    expect(linesOf(folder).some(({ action }) => action === 'audit removed')).toBe(true)
    for (const path of filesOf(folder)) {
      const bytes = readFileSync(path)
      for (let at = 0; at < bytes.length; at++) {
        const edited = Buffer.from(bytes)
        edited[at] = (bytes[at] as number) ^ (1 << (at % 8))
        expect(
          problemAfter(folder, () => writeFileSync(path, edited)),
          `${path} ${at}`,
        ).toBeDefined()
      }
    }
  })

  test('is not whole where entries at the cut, or at the seam of two files, are removed, moved or added', async () => {
    const folder = await written(16, SMALL)
    const paths = filesOf(folder)
    const [first, second] = paths as [string, string]
    const [one, other] = [linesIn(first), linesIn(second)]
    const write = (path: string, lines: string[]) => writeFileSync(path, lines.join(''))
    const changes: [string, () => void][] = [
      ['the first one removed', () => write(first, one.slice(1))],
      ['the first two moved', () => write(first, one.toSpliced(0, 2, one[1] as string, one[0] as string))],
      ['the first one twice', () => write(first, [one[0] as string, ...one])],
      ['the first file removed', () => rmSync(first)],
      ['the first file emptied', () => write(first, [])],
      [
        'the last of a file moved to the next',
        () => {
          write(first, one.slice(0, -1))
          write(second, [one.at(-1) as string, ...other])
        },
      ],
      [
        'the first of a file moved to the one before',
        () => {
          write(first, [...one, other[0] as string])
          write(second, other.slice(1))
        },
      ],
      ['a file between removed', () => rmSync(second)],
      [
        'two files exchanged',
        () => {
          write(first, other)
          write(second, one)
        },
      ],
      ['the last file removed', () => rmSync(paths.at(-1) as string)],
    ]
    for (const [what, change] of changes) expect(problemAfter(folder, change), what).toBeDefined()
    expect(verdictOf(folder).problem).toBeUndefined()
  })

  test('is not whole where one of the files that went is put back without those after it', async () => {
    const folder = await written(2, SMALL)
    const [oldest] = filesOf(folder) as [string]
    const bytes = readFileSync(oldest)
    const log = open(folder, SMALL)
    for (let i = 0; i < 20; i++) await log.note({ action: `mutation ${i}`, outcome: 'ok' })
    await log.close()
    expect(filesOf(folder)).not.toContain(oldest)
    expect(problemAfter(folder, () => writeFileSync(oldest, bytes))).toMatch(
      /^the entries \d+ to \d+ are missing before/,
    )
  })
})

describe('an audit log whose head is another one', () => {
  test('says so where there is none, though nothing else is missing', async () => {
    const folder = await written(2)
    expect(problemAfter(folder, () => rmSync(headOf(folder)))).toMatch(/^its head \(head\.json\) is missing/)
    expect(problemAfter(folder, () => writeFileSync(headOf(folder), '{}'))).toMatch(
      /^its head \(head\.json\) was changed/,
    )
  })

  /** Heads of other logs of the same key, which end before, where and behind this one does. */
  test.each([2, 4, 6])(
    'with the same key, of a log of %i entries, is found, also where a server went on',
    async (others) => {
      const folder = await written(4)
      const other = await written(others)
      const kept = verdictOf(folder).head as string
      copyFileSync(headOf(other), headOf(folder))
      expect(verdictOf(folder).problem).toMatch(/is not the one of the head|at the end: cut off/)
      const log = open(folder)
      expect(log.damage()).toBeDefined()
      await log.note({ action: 'mutation later', outcome: 'ok' })
      await log.close()
      expect(verdictOf(folder).problem).toMatch(
        /audit log was damaged|are missing before|is missing before|written there/,
      )
      expect(verdictOf(folder, kept).problem).toBeDefined()
    },
  )

  test('than the one that was kept elsewhere, as all of it was replaced by another whole log, is found', async () => {
    const folder = await written(4)
    const other = await written(4)
    const kept = verdictOf(folder).head as string
    for (const path of [...filesOf(folder), headOf(folder)]) rmSync(path)
    for (const path of [...filesOf(other), headOf(other)]) copyFileSync(path, path.replace(other, folder))
    expect(verdictOf(folder).problem).toBeUndefined()
    expect(verdictOf(folder, kept).problem).toMatch(/is not the one of the head|it is another chain/)
  })

  test('is found by its chain alone, where its entry went with the oldest files', async () => {
    const folder = await written(16, SMALL)
    const early = (verdictOf(await written(1)).head as string).replace(/:\d+:/, ':0:')
    expect(verdictOf(folder, early).problem).toMatch(/^it is another chain \([0-9a-f]{16}\) than that of the head/)
  })
})

test('an audit log with an entry of another log, of the same key and at the same place, is not what was written there', async () => {
  const [folder, other] = [await written(4), await written(4)]
  const [path] = filesOf(folder) as [string]
  const [lines, others] = [linesIn(path), linesIn(filesOf(other)[0] as string)]
  for (let i = 0; i < lines.length; i++)
    expect(
      problemAfter(folder, () => writeFileSync(path, lines.toSpliced(i, 1, others[i] as string).join(''))),
      `line ${i + 1}`,
    ).toMatch(/is not what was written there|is not the one of the head/)
})

test('an audit log with a file more, which has no entry, is not whole', async () => {
  const folder = await written(4)
  expect(problemAfter(folder, () => writeFileSync(join(folder, '000000000000005.jsonl'), ''))).toMatch(/has no entry$/)
})

describe('an audit log whose key was changed', () => {
  test('is neither gone on with nor whole, by the one key or the other, also where somebody took the head away', async () => {
    const folder = await written(3)
    expect(() => open(folder, { key: OTHER_KEY })).toThrow(/was written with another key/)
    rmSync(headOf(folder))
    const log = open(folder, { key: OTHER_KEY })
    expect(log.damage()).toMatch(/^its head was missing/)
    await log.note({ action: 'mutation forged', outcome: 'ok' })
    await log.close()
    expect(verifyAudit(folder, KEY).problem).toMatch(/^0{15}\.jsonl, line 5 .* is not what was written there$/)
    expect(verifyAudit(folder, KEY).problems).toContain('its head (head.json) was written with another key')
    expect(verifyAudit(folder, OTHER_KEY).problem).toMatch(/^0{15}\.jsonl, line 1 .* is not what was written there$/)
  })
})

describe('an audit log with a gap', () => {
  /** What becomes of its lines, and which of them are behind the gap then. */
  const gaps: [string, (lines: string[]) => string[], number[]][] = [
    ['at its beginning', (lines) => lines.slice(2), [0]],
    ['in the middle', (lines) => lines.toSpliced(3, 1), [3]],
    ['before its last entry', (lines) => lines.toSpliced(-2, 1), [5]],
    ['of all but its last entry', (lines) => lines.slice(-1), [0]],
    ['in which a line is no entry', (lines) => lines.toSpliced(3, 1, 'no entry\n'), [4]],
    ['in which an entry stands a second time', (lines) => lines.toSpliced(3, 1, lines[1] as string), [3, 4]],
  ]
  test.each(gaps)('%s tells every edit of the entry behind it, too', async (_where, take, behind) => {
    const folder = await written(6)
    const [path] = filesOf(folder) as [string]
    const left = take(linesIn(path))
    const problemsOf = (lines: string[]): string[] => {
      writeFileSync(path, lines.join(''))
      return verdictOf(folder).problems
    }
    const known = problemsOf(left)
    expect(known).not.toEqual([])
    for (const i of behind) {
      const bytes = Buffer.from(left[i] as string)
      for (let at = 0; at < bytes.length; at++) {
        const edited = Buffer.from(bytes)
        edited[at] = (bytes[at] as number) ^ (1 << (at % 8))
        const problems = problemsOf(left.toSpliced(i, 1, edited.toString('latin1')))
        const added = problems.filter((problem) => !known.includes(problem))
        expect(added, `line ${i + 1}, ${at}`).not.toEqual([])
      }
    }
  })

  test('that was acknowledged is told again where the entry behind it is edited', async () => {
    const folder = await written(6)
    const [path] = filesOf(folder) as [string]
    writeFileSync(path, linesIn(path).toSpliced(3, 1).join(''))
    const log = open(folder)
    await acknowledgeDamage(log, { folder, key: KEY }, { who: 'olga', from: 'command line' })
    await log.close()
    expect(verdictOf(folder).problem).toBeUndefined()
    writeFileSync(path, readFileSync(path, 'utf8').replace('user 3', 'user 9'))
    expect(verdictOf(folder).problem).toBe('000000000000000.jsonl, line 4 (position 4) is not what was written there')
  })
})

describe('an audit log of an earlier release, whose lines do not name the one before', () => {
  test('is whole, is gone on with, and tells every edit of either kind of line', async () => {
    const folder = await writtenEarlier(3)
    expect(verdictOf(folder)).toMatchObject({ problem: undefined, entries: 4 })
    const log = open(folder)
    expect(log.damage()).toBeUndefined()
    await log.note({ who: 'user 9', action: 'mutation later', outcome: 'ok' })
    await log.close()
    expect(verdictOf(folder)).toMatchObject({ problem: undefined, entries: 5 })
    const [path] = filesOf(folder) as [string]
    const text = readFileSync(path, 'utf8')
    for (const [i, who] of ['user 0', 'user 1', 'user 2', 'user 9'].entries()) {
      writeFileSync(path, text.replace(who, 'user 7'))
      expect(verdictOf(folder).problem).toMatch(
        new RegExp(`line ${i + 2} \\(position ${i + 1}\\) is not what was written there$`),
      )
    }
  })

  test('with a gap says that the entry behind it may have been changed, as an entry does that is made to look so', async () => {
    const early = await writtenEarlier(4)
    const [path] = filesOf(early) as [string]
    const lines = linesIn(path)
    const unknown = 'of an earlier release, and the one before it is not there: nobody can tell whether it was changed'
    for (const left of [lines.toSpliced(2, 1), lines.slice(3)]) {
      writeFileSync(path, left.join(''))
      expect(verdictOf(early).problems).toContain(`the entry 3 is ${unknown}`)
    }
    const folder = await written(4)
    const [now] = filesOf(folder) as [string]
    const made = linesIn(now).map((line) => line.replace(/"after":"\w+",/, ''))
    for (const left of [linesIn(now).toSpliced(2, 2, made[3] as string), [made[3] as string]]) {
      writeFileSync(now, left.join(''))
      expect(verdictOf(folder).problems).toContain(`the entry 3 is ${unknown}`)
    }
    writeFileSync(now, [made[0], ...linesIn(now).slice(1)].join(''))
    expect(verdictOf(folder).problem).toMatch(/line 1 \(position 0\) is not what was written there$/)
  })
})
