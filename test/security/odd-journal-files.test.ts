import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openJournal } from '../../src/journal/journal.ts'
import { loadJournalKey } from '../../src/journal/key-file.ts'
import { makeFolder } from '../support/transcripts.ts'
import { until } from '../support/until.ts'

function open(folder: string) {
  const users: string[] = []
  const odd: string[] = []
  const journal = openJournal({
    folder: join(folder, 'journal'),
    key: loadJournalKey(folder, join(folder, 'journal')),
    instance: '0123456789ab',
    headsPath: join(folder, 'journal-heads'),
    listener: {
      entry: (entry) => void (entry.kind === 'preference' && users.push(entry.userId)),
      unreadable() {},
    },
    followIntervalMs: 10,
    onOddFile: (problem) => odd.push(problem),
  })
  onTestFinished(() => journal.close())
  return { journal, users, odd }
}

/** A journal with one entry, closed. */
async function written(): Promise<{ folder: string; journalFolder: string }> {
  const folder = makeFolder()
  const { journal } = open(folder)
  await journal.whenRead()
  await journal.append({ kind: 'preference', at: 1, userId: 'ann', preference: 'LEGACY' })
  await journal.close()
  return { folder, journalFolder: join(folder, 'journal') }
}

const ODD: [string, (path: string) => void | Promise<void>][] = [
  ['a folder', (path) => void mkdirSync(path)],
  ['a named pipe', (path) => void execFileSync('mkfifo', [path])],
  ['a link to nowhere', (path) => symlinkSync('/nowhere/at/all', path)],
  ['a link to itself', (path) => symlinkSync(path, path)],
  ['a link to a folder', (path) => symlinkSync('/', path)],
  ['a link to a device', (path) => symlinkSync('/dev/zero', path)],
  [
    'a socket',
    (path) =>
      new Promise((resolve) => {
        const server = createServer().listen(path, resolve)
        onTestFinished(() => void server.close())
      }),
  ],
  ['a name that is no UTF-8', (path) => writeFileSync(Buffer.from(path.replace('999', 'ÿ'), 'latin1'), 'x')],
]

test.each(ODD)(
  '%s with the name of a segment is left out, told once and by health, and the rest is read',
  async (_what, make) => {
    const { folder, journalFolder } = await written()
    await make(join(journalFolder, '999.journal'))
    const { journal, users, odd } = open(folder)
    await journal.whenRead()
    expect(users).toEqual(['ann'])
    // several looks
    await journal.append({ kind: 'preference', at: 2, userId: 'bob', preference: 'LEGACY' })
    const { journal: other } = open(folder)
    await other.whenRead()
    await other.append({ kind: 'preference', at: 3, userId: 'cy', preference: 'LEGACY' })
    await until('what the other wrote', () => users.includes('cy') || undefined)
    expect(odd).toEqual([
      expect.stringMatching(/\.journal (is no regular file|leads nowhere) and is left out: move it away$/),
    ])
    expect(journal.health()).toEqual({ state: 'DEGRADED', detail: odd[0] })
    for (const name of readdirSync(journalFolder, { encoding: 'buffer' }))
      if (!name.includes('-')) rmSync(Buffer.concat([Buffer.from(`${journalFolder}/`), name]), { recursive: true })
    await until('it to be well again', () => journal.health().state === 'UP' || undefined)
  },
)

test('a link to a segment that was moved to another disk is read', async () => {
  const { folder, journalFolder } = await written()
  const segment = readdirSync(journalFolder).find((name) => name.endsWith('.journal'))
  renameSync(join(journalFolder, segment as string), join(folder, 'elsewhere'))
  symlinkSync(join(folder, 'elsewhere'), join(journalFolder, segment as string))
  const { journal, users, odd } = open(folder)
  await journal.whenRead()
  expect([users, odd]).toEqual([['ann'], []])
})
