import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openJournal } from '../../src/journal/journal.ts'
import { loadJournalKey } from '../../src/journal/key-file.ts'
import type { JournalEntry, JournalPlace } from '../../src/ports/journal.ts'
import { makeFolder } from './transcripts.ts'

export const entry = (n: number): JournalEntry => ({
  kind: 'preference',
  at: n,
  userId: `secret-user-${n}`,
  preference: 'LEGACY',
})

let opens = 0

export async function open(folder: string) {
  const entries: { entry: JournalEntry; place: JournalPlace }[] = []
  const damage: JournalPlace[] = []
  const journal = openJournal({
    folder: join(folder, 'journal'),
    key: loadJournalKey(folder, join(folder, 'journal')),
    instance: String(++opens).padStart(12, '0'),
    headsPath: join(folder, 'journal-heads'),
    listener: {
      entry: (read, place) => entries.push({ entry: read, place }),
      unreadable: (place) => damage.push(place),
    },
    followIntervalMs: 20,
  })
  onTestFinished(() => journal.close())
  await journal.whenRead()
  return { journal, entries, damage, times: () => entries.map((one) => one.entry.at) }
}

export const opened = async () => {
  const folder = makeFolder()
  return { folder, ...(await open(folder)) }
}

export const ingested = (records: number): JournalEntry => ({
  kind: 'ingest',
  at: 0,
  caller: 'ann',
  idempotencyKey: undefined,
  contentHash: '',
  records: Array.from({ length: records }, () => ({}) as never),
  refused: [],
})

export const segmentsOf = (folder: string): string[] =>
  readdirSync(join(folder, 'journal'))
    .filter((name) => name.endsWith('.journal'))
    .sort()
    .map((name) => join(folder, 'journal', name))

/** A journal of three entries in one segment, closed. */
export async function written(folder: string): Promise<{ path: string; places: JournalPlace[] }> {
  const { journal } = await open(folder)
  const places = []
  for (const n of [1, 2, 3]) places.push(await journal.append(entry(n)))
  await journal.close()
  return { path: segmentsOf(folder)[0] as string, places }
}
