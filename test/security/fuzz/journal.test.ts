import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeEntry } from '../../../src/journal/entries.ts'
import { encodeFrame } from '../../../src/journal/frame.ts'
import { openJournal } from '../../../src/journal/journal.ts'
import { loadJournalKey } from '../../../src/journal/key-file.ts'
import type { JournalEntry } from '../../../src/ports/journal.ts'
import { damage, misshape, runs } from '../../support/mutations.ts'
import { makeFolder } from '../../support/transcripts.ts'

const entry = (n: number): JournalEntry => ({ kind: 'preference', at: n, userId: `u${n}`, preference: 'LEGACY' })

/** Reads everything and closes. `then`: what is appended. */
async function read(folder: string, then: readonly JournalEntry[] = []) {
  const times: number[] = []
  const journal = openJournal({
    folder: join(folder, 'journal'),
    key: loadJournalKey(folder, join(folder, 'journal')),
    instance: '0123456789ab',
    headsPath: join(folder, 'journal-heads'),
    listener: { entry: ({ at }) => times.push(at), unreadable: () => undefined },
    followIntervalMs: 10_000,
  })
  await journal.whenRead()
  const { state } = journal.health()
  for (const one of then) await journal.append(one)
  await journal.close()
  return { times, state }
}

/** A journal of five entries in one segment, and how to put it back as it was. */
async function written() {
  const folder = makeFolder()
  await read(folder, [1, 2, 3, 4, 5].map(entry))
  const [name = ''] = readdirSync(join(folder, 'journal')).filter((file) => file.endsWith('.journal'))
  const path = join(folder, 'journal', name)
  const [bytes, heads] = [readFileSync(path), readFileSync(join(folder, 'journal-heads'))]
  const restore = (): void => {
    for (const file of readdirSync(join(folder, 'journal')))
      if (file.endsWith('.journal') && file !== name) rmSync(join(folder, 'journal', file))
    writeFileSync(join(folder, 'journal-heads'), heads)
    writeFileSync(path, bytes)
  }
  return { folder, path, bytes, restore }
}

test('a journal that is damaged anywhere gives what was written, in its order, and tells what is missing', async () => {
  const { folder, path, bytes, restore } = await written()
  const counts = new Set<number>()
  await fc.assert(
    fc.asyncProperty(damage, async (harm) => {
      restore()
      writeFileSync(path, harm(bytes))
      const { times, state } = await read(folder)
      expect(times).toEqual([1, 2, 3, 4, 5].filter((n) => times.includes(n)))
      if (times.length < 5) expect(state).toBe('DEGRADED')
      counts.add(times.length)
      expect((await read(folder, [entry(9)])).times.at(-1)).toBe(9)
    }),
    runs(60),
  )
  expect(counts.size).toBeGreaterThan(1)
})

test('an acknowledged end that became zeros is told, though the segment is as long as it was', async () => {
  const { folder, path, bytes } = await written()
  writeFileSync(path, Buffer.from(bytes).fill(0, bytes.lastIndexOf('TBJF')))
  const { times, state } = await read(folder)
  expect(times).toEqual([1, 2, 3, 4])
  expect(state).toBe('DEGRADED')
})

test('an entry that was encrypted with the key, and that nobody can read, is told and holds up no other', async () => {
  const { folder, path, bytes, restore } = await written()
  const key = loadJournalKey(folder, join(folder, 'journal'))
  await fc.assert(
    fc.asyncProperty(misshape, async (change) => {
      restore()
      const plain = Buffer.from(JSON.stringify(change(JSON.parse(encodeEntry(entry(6)).toString()))) ?? '')
      const segment = basename(path, '.journal')
      const odd = encodeFrame(plain, key, segment, bytes.length)
      appendFileSync(path, odd)
      appendFileSync(path, encodeFrame(encodeEntry(entry(7)), key, segment, bytes.length + odd.length))
      const { times } = await read(folder)
      expect(times.slice(0, 5)).toEqual([1, 2, 3, 4, 5])
      expect(times.at(-1)).toBe(7)
    }),
    runs(60),
  )
})
