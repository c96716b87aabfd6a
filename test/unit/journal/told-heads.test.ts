import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openJournal } from '../../../src/journal/journal.ts'
import { loadJournalKey } from '../../../src/journal/key-file.ts'
import type { JournalEntry } from '../../../src/ports/journal.ts'
import { makeFolder } from '../../support/transcripts.ts'

const entry = (n: number): JournalEntry => ({ kind: 'preference', at: n, userId: 'ann', preference: 'LEGACY' })

let instances = 0

/** An instance, which looks by itself for what others wrote so seldom that it never does in a test. */
async function open(shared: string) {
  const own = join(makeFolder(), 'data')
  const instance = String(++instances).padStart(12, '0')
  const times: number[] = []
  const journal = openJournal({
    folder: join(shared, 'journal'),
    key: loadJournalKey(shared, join(shared, 'journal')),
    instance,
    headsPath: join(own, 'journal-heads'),
    listener: { entry: ({ at }) => times.push(at), unreadable() {} },
    followIntervalMs: 3_600_000,
  })
  onTestFinished(() => journal.close())
  await journal.whenRead()
  return { journal, times, instance, own }
}

const segmentsOf = (shared: string): string[] =>
  readdirSync(join(shared, 'journal'))
    .filter((name) => name.endsWith('.journal'))
    .map((name) => join(shared, 'journal', name))

test('what one instance has acknowledged is known to the others as soon as they look', async () => {
  const shared = makeFolder()
  const first = await open(shared)
  const second = await open(shared)
  for (const n of [1, 2, 3]) {
    await first.journal.append(entry(n))
    await second.journal.whenCurrent()
    expect(second.times).toEqual(Array.from({ length: n }, (_, i) => i + 1))
  }
  await second.journal.append(entry(4))
  await first.journal.whenCurrent()
  expect(first.times).toEqual([1, 2, 3, 4])
  expect([first.journal.isBehind(), second.journal.isBehind()]).toEqual([false, false])
})

test('also the end of a segment before the one that is written, and of an instance that is gone', async () => {
  const shared = makeFolder()
  const reader = await open(shared)
  for (const n of [1, 2]) {
    const writer = await open(shared)
    await writer.journal.append(entry(n))
    await writer.journal.close()
  }
  await reader.journal.whenCurrent()
  expect(reader.times).toEqual([1, 2])
})

test('also where what was told was removed, and beside what nobody has told', async () => {
  const shared = makeFolder()
  const first = await open(shared)
  const second = await open(shared)
  await first.journal.append(entry(1))
  rmSync(join(shared, 'journal', 'acknowledged'), { recursive: true })
  await second.journal.whenCurrent()
  await first.journal.append(entry(2))
  const told = join(shared, 'journal', 'acknowledged')
  mkdirSync(join(told, 'a'.repeat(12)))
  writeFileSync(join(told, 'b'.repeat(12)), 'no head')
  writeFileSync(join(told, 'notes.txt'), 'of a person')
  await second.journal.whenCurrent()
  expect(second.times).toEqual([1, 2])
})

test('what was told long ago is forgotten, and told anew by whoever is still there', async () => {
  const shared = makeFolder()
  const told = join(shared, 'journal', 'acknowledged')
  const idle = await open(shared)
  await idle.journal.append(entry(1))
  utimesSync(join(told, idle.instance), 0, 0)
  const other = await open(shared)
  await other.journal.append(entry(2))
  expect(readdirSync(told)).toEqual([other.instance])
  await idle.journal.append(entry(3))
  await other.journal.whenCurrent()
  expect(other.times).toEqual([1, 2, 3])
})

test('what was acknowledged by another instance and cannot be read is lost, and told so at once', async () => {
  const shared = makeFolder()
  const first = await open(shared)
  const second = await open(shared)
  const { segment, to } = await first.journal.append(entry(1))
  truncateSync(segmentsOf(shared)[0] as string, 10)
  await second.journal.whenCurrent()
  expect(second.journal.isBehind()).toBe(true)
  // nor is it forgotten while it is looked once more
  const looking = second.journal.whenCurrent()
  const seen = new Set<boolean>()
  for (let isLooking = true; isLooking; await new Promise(setImmediate)) {
    seen.add(second.journal.isBehind())
    isLooking = await Promise.race([looking.then(() => false), new Promise<boolean>((go) => setImmediate(go, true))])
  }
  expect([...seen]).toEqual([true])
  expect(second.journal.extents()).toMatchObject([{ segment, readTo: 0, acknowledgedTo: to }])
})

test.each<[string, (shared: string, own: string) => void]>([
  ['in its own folder', (_, own) => rmSync(own, { recursive: true })],
  [
    'in the folder that is shared',
    (shared) => {
      const told = join(shared, 'journal', 'acknowledged')
      rmSync(told, { recursive: true })
      writeFileSync(told, 'no folder')
    },
  ],
])('what is refused because it cannot be told %s how far it is, nobody takes for lost', async (_where, harm) => {
  const shared = makeFolder()
  const first = await open(shared)
  const second = await open(shared)
  await first.journal.append(entry(1))
  await second.journal.whenCurrent()
  harm(shared, first.own)
  await expect(first.journal.append(entry(2))).rejects.toThrow()
  await second.journal.whenCurrent()
  expect(second.times).toEqual([1])
  for (const { journal } of [first, second]) {
    expect(journal.isBehind()).toBe(false)
    for (const { readTo, acknowledgedTo } of journal.extents()) expect(acknowledgedTo).toBeLessThanOrEqual(readTo)
  }
})

test('what another instance wrote is not acknowledged before it has told so', async () => {
  const shared = makeFolder()
  const first = await open(shared)
  const second = await open(shared)
  const early = await first.journal.append(entry(1))
  const told = join(shared, 'journal', 'acknowledged', first.instance)
  const before = readFileSync(told)
  const late = await first.journal.append(entry(2))
  // as if it had been killed before it told of the second one
  writeFileSync(told, before)
  await second.journal.whenCurrent()
  expect(second.times).toEqual([1, 2])
  expect([early, late].map(second.journal.isAcknowledged)).toEqual([true, false])
  expect([early, late].map(first.journal.isAcknowledged)).toEqual([true, true])
  const third = await open(shared)
  expect([early, late].map(third.journal.isAcknowledged)).toEqual([true, true])
})
