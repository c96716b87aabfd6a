import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openJournal } from '../../../src/journal/journal.ts'
import { loadJournalKey } from '../../../src/journal/key-file.ts'
import { makeFolder } from '../../support/transcripts.ts'

const KEY = Buffer.from('of 32 bytes, which nobody is told').subarray(0, 32)
const OTHER = Buffer.alloc(32, 9)

/** A journal with one segment, that was written with a key. */
async function writtenWith(key: Buffer): Promise<string> {
  const folder = makeFolder()
  const journal = openJournal({
    folder: join(folder, 'journal'),
    key: loadJournalKey(folder, join(folder, 'journal'), [key]),
    headsPath: join(folder, 'journal-heads'),
    listener: { entry() {}, unreadable() {} },
    followIntervalMs: 60_000,
    instance: '0123456789ab',
  })
  await journal.whenRead()
  await journal.append({ kind: 'preference', at: 1, userId: 'ann', preference: 'LEGACY' })
  await journal.close()
  return folder
}

function fileWith(text: string, mode = 0o600): string {
  const path = join(makeFolder(), 'key')
  writeFileSync(path, text, { mode })
  return path
}

const load = (file: string) => {
  const folder = makeFolder()
  return loadJournalKey(folder, join(folder, 'journal'), { file })
}

describe('a key of the journal that is given', () => {
  test('is used as it is, from a text or a file, and none is made beside it', () => {
    const folder = makeFolder()
    const files = [KEY.toString('base64'), `${KEY.toString('hex')}\n`].map((text) => ({ file: fileWith(text) }))
    const keys = [[KEY], ...files].map((given) => loadJournalKey(folder, join(folder, 'journal'), given))
    for (const key of keys) expect(key).toEqual({ bytes: KEY, id: keys[0]?.id })
    expect(readdirSync(folder)).toEqual([])
  })

  test('counts more than the one in the data folder', () => {
    const folder = makeFolder()
    const own = loadJournalKey(folder, join(folder, 'journal'))
    expect(loadJournalKey(folder, join(folder, 'journal'), [KEY]).bytes).toEqual(KEY)
    expect(loadJournalKey(folder, join(folder, 'journal'))).toEqual(own)
  })

  test('is refused where it does not open the segments that there are, without being shown', async () => {
    const folder = await writtenWith(OTHER)
    const ids = [OTHER, KEY].map((key) => loadJournalKey(folder, join(folder, 'none'), [key]).id.toString('hex'))
    const file = fileWith(KEY.toString('base64'))
    for (const [name, given] of [
      ['JOURNAL_KEY', [KEY]],
      [`JOURNAL_KEY_FILE (${file})`, { file }],
    ] as const)
      expect(() => loadJournalKey(folder, join(folder, 'journal'), given)).toThrow(
        new RegExp(
          `^${name.replaceAll(/[()]/g, '\\$&')} holds another key \\(${ids[1]}\\): in ${join(folder, 'journal')} there is 1 segment that was encrypted with the key ${ids[0]}: put that key back, or move [^\\n]+$`,
        ),
      )
    expect(loadJournalKey(folder, join(folder, 'journal'), [OTHER]).bytes).toEqual(OTHER)
  })

  test.each([
    ['that is not there', () => join(makeFolder(), 'none'), 'cannot be read (ENOENT)'],
    ['that is a link to itself', () => linkToItself(), 'cannot be read (ELOOP)'],
    ['that others can read', () => fileWith(KEY.toString('hex'), 0o640), 'can be read by others: chmod 600 it'],
    ['that is a folder', () => folderInstead(), 'is no file'],
    ['that is a pipe, into which nobody writes', () => pipe(), 'is no file'],
    ['that is empty', () => fileWith(''), 'does not hold a key of 32 bytes, as base64 or hexadecimal'],
    ['with a key that is too short', () => fileWith('7f'.repeat(31)), 'does not hold a key of 32 bytes'],
    ['with more than a key', () => fileWith(`${KEY.toString('hex')}\n${'x'.repeat(5000)}`), 'does not hold a key'],
  ])('is refused from a file %s, in one line that names the setting and shows no key', (_what, make, problem) => {
    const file = make()
    const told = (() => {
      try {
        return load(file).id.toString('hex')
      } catch (error) {
        return (error as Error).message
      }
    })()
    expect(told).toMatch(/^JOURNAL_KEY_FILE \([^\n]+$/)
    expect(told).toContain(`(${file}) ${problem}`)
    expect(told).not.toContain(KEY.toString('hex'))
    expect(told).not.toContain('7f7f')
  })
})

function linkToItself(): string {
  const path = join(makeFolder(), 'key')
  symlinkSync(path, path)
  return path
}

function folderInstead(): string {
  const path = join(makeFolder(), 'key')
  mkdirSync(path)
  return path
}

function pipe(): string {
  const path = join(makeFolder(), 'key')
  execFileSync('mkfifo', ['-m', '600', path])
  return path
}
