import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { inspectJournal } from '../../../src/journal/inspection.ts'
import { openJournal } from '../../../src/journal/journal.ts'
import { type JournalKey, keyIds } from '../../../src/journal/key.ts'
import { loadJournalKey, rotateOwnKey } from '../../../src/journal/key-file.ts'
import { takeLock } from '../../../src/process-lock.ts'
import { makeFolder } from '../../support/transcripts.ts'

const KEYS = [1, 2, 3].map((byte) => Buffer.alloc(32, byte))
const journalIn = (folder: string): string => join(folder, 'journal')
const load = (folder: string, given?: readonly Buffer[]) => loadJournalKey(folder, journalIn(folder), given)

/** One start of the server: appends an entry of a user. Returns whose entries it read, and its health. */
async function start(folder: string, key: JournalKey, userId: string) {
  const users: string[] = []
  const journal = openJournal({
    folder: journalIn(folder),
    key,
    headsPath: join(folder, 'journal-heads'),
    listener: {
      entry: (entry) => void users.push('userId' in entry ? String(entry.userId) : ''),
      unreadable: () => undefined,
    },
    followIntervalMs: 60_000,
    instance: '0123456789ab',
  })
  await journal.whenRead()
  await journal.append({ kind: 'preference', at: 1, userId, preference: 'LEGACY' })
  const { state, detail } = journal.health()
  await journal.close()
  return { users, state, detail }
}

const inspect = (folder: string, key: JournalKey) =>
  inspectJournal(journalIn(folder), key, join(folder, 'journal-heads'))

describe('a key of the journal that is rotated', () => {
  test('is used from the next start on; what was written before is read by those of before', async () => {
    const folder = makeFolder()
    const first = load(folder)
    await start(folder, first, 'ann')
    const second = rotateOwnKey(folder)
    // a server that goes on with the key of before loses nothing
    await start(folder, first, 'bob')
    const loaded = load(folder)
    expect(keyIds(loaded)).toEqual([second, first.id.toString('hex')])
    expect(await start(folder, loaded, 'cleo')).toMatchObject({ users: ['ann', 'bob', 'cleo'], state: 'UP' })
    rotateOwnKey(folder)
    expect((await start(folder, load(folder), 'dan')).users).toEqual(['ann', 'bob', 'cleo', 'dan'])
    const path = join(folder, 'journal-key')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(3)
    // nothing is left of the way there
    expect(readdirSync(folder).filter((name) => name.startsWith('journal-key.') && !name.endsWith('.lockdb'))).toEqual(
      [],
    )
  })

  test('is one of two at the most: another process that rotates it is told to wait', () => {
    const folder = makeFolder()
    load(folder)
    const unlock = takeLock(join(folder, 'journal-key.lockdb'))
    const before = readFileSync(join(folder, 'journal-key'))
    expect(() => rotateOwnKey(folder)).toThrow('is being changed by another process')
    expect(readFileSync(join(folder, 'journal-key'))).toEqual(before)
    unlock?.()
    rotateOwnKey(folder)
  })

  test('and is damaged, is not made worse', () => {
    const folder = makeFolder()
    load(folder)
    const path = join(folder, 'journal-key')
    appendFileSync(path, 'half of a key\n')
    const before = readFileSync(path)
    expect(() => rotateOwnKey(folder)).toThrow(`${path} is damaged`)
    expect(readFileSync(path)).toEqual(before)
    rmSync(path)
    expect(() => rotateOwnKey(folder)).toThrow('cannot be read (ENOENT)')
  })

  test('goes through instances one by one: all know it before one writes with it', async () => {
    const folder = makeFolder()
    const [old, fresh] = KEYS as [Buffer, Buffer]
    const steps = [[old], [old, fresh], [fresh, old], [fresh, old]]
    for (const [step, keys] of steps.entries()) {
      const { users, state } = await start(folder, load(folder, keys), `user ${step}`)
      expect([users.length, state]).toEqual([step + 1, 'UP'])
    }
  })

  test('and is not known somewhere, is named by health, and by whoever starts without any', async () => {
    const folder = makeFolder()
    const [one, two, three] = KEYS as [Buffer, Buffer, Buffer]
    await start(folder, load(folder, [one]), 'ann')
    await start(folder, load(folder, [two, one]), 'bob')
    const missing = keyIds(load(makeFolder(), [two]))[0]
    const { users, state, detail } = await start(folder, load(folder, [one]), 'cleo')
    expect([users, state]).toEqual([['ann', 'cleo'], 'DEGRADED'])
    expect(detail).toContain(`keys that are not here: ${missing} (docs/runbooks/journal-key.md)`)
    expect(() => load(folder, [three])).toThrow(/^JOURNAL_KEY holds another key/)
    // with the key it is all there again
    expect((await start(folder, load(folder, [one, two]), 'dan')).users.sort()).toEqual(['ann', 'bob', 'cleo', 'dan'])
  })
})

describe('a look at the journal', () => {
  test('tells the segments, with their sizes, entries and keys, and changes nothing', async () => {
    const folder = makeFolder()
    await start(folder, load(folder), 'ann')
    const first = load(folder).id.toString('hex')
    const second = rotateOwnKey(folder)
    await start(folder, load(folder), 'bob')
    const before = readdirSync(folder, { recursive: true })
    const reports = await inspect(folder, load(folder))
    expect(reports.map(({ entries, keyId, damaged }) => [entries, keyId, damaged])).toEqual([
      [1, first, []],
      [1, second, []],
    ])
    for (const { segment, bytes } of reports)
      expect(statSync(join(journalIn(folder), `${segment}.journal`)).size).toBe(bytes)
    expect(readdirSync(folder, { recursive: true })).toEqual(before)
  })

  test('names each damage by its bytes: changed, cut, gone, of a key that is not here', async () => {
    const folder = makeFolder()
    const [one, two] = KEYS as [Buffer, Buffer]
    for (const user of ['changed', 'cut', 'gone']) await start(folder, load(folder, [one]), user)
    await start(folder, load(folder, [two, one]), 'other key')
    const before = await inspect(folder, load(folder, [one, two]))
    const paths = before.map(({ segment }) => join(journalIn(folder), `${segment}.journal`))
    const [changed = '', cut = '', gone = ''] = paths
    const bytes = readFileSync(changed)
    bytes.writeUInt8((bytes.at(-1) as number) ^ 1, bytes.length - 1)
    writeFileSync(changed, bytes)
    truncateSync(cut, 10)
    rmSync(gone)
    const reports = await inspect(folder, load(folder, [one]))
    const whole = before.map(({ bytes: size }) => size)
    expect(reports.map(({ damaged }) => damaged)).toEqual([
      [{ from: 0, to: whole[0], reason: 'the content was changed' }],
      [{ from: 0, to: whole[1], reason: 'acknowledged, and not there any more' }],
      [{ from: 0, to: whole[2], reason: 'acknowledged, and not there any more' }],
      [{ from: 0, to: whole[3], reason: expect.stringMatching(/^encrypted with another key \([0-9a-f]{16}\)$/) }],
    ])
    expect(reports[1]?.unfinishedBytes).toBe(10)
    expect(readdirSync(journalIn(folder))).not.toContain('quarantine')
  })
})
