import { readFileSync, renameSync, statSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { JournalEntry } from '../../../src/ports/journal.ts'
import { entry, ingested, open, segmentsOf, written } from '../../support/journals.ts'
import { makeFolder } from '../../support/transcripts.ts'
import { until } from '../../support/until.ts'

describe('the journal', () => {
  test('hands over each entry once, when it is on disk, and again after a restart', async () => {
    const folder = makeFolder()
    const first = await open(folder)
    const places = await Promise.all(Array.from({ length: 50 }, (_, n) => first.journal.append(entry(n))))
    expect(first.times()).toEqual(Array.from({ length: 50 }, (_, n) => n))
    expect(new Set(places.map(({ from }) => from)).size).toBe(50)
    await first.journal.close()
    const second = await open(folder)
    expect(second.entries).toEqual(first.entries)
    const replayed: number[] = []
    await second.journal.replay({ entry: ({ at }) => replayed.push(at), unreadable() {} })
    expect(replayed).toEqual(first.times())
  })

  test('takes nothing any more once it is closed, though somebody who came late tries, and writes to no other file', async () => {
    const folder = makeFolder()
    const { journal, entries } = await open(folder)
    const before = journal.append(entry(1))
    const closing = journal.close()
    const refused = { code: 'STORAGE_UNAVAILABLE', message: 'the journal is closed: nothing was accepted' }
    await expect(journal.append(entry(2))).rejects.toMatchObject(refused)
    await before
    await closing
    // it gets a number that a file of the journal had
    const other = await openFile(join(folder, 'other'), 'w+')
    onTestFinished(() => other.close())
    await expect(journal.append(entry(3))).rejects.toMatchObject(refused)
    expect(await other.readFile('utf8')).toBe('')
    expect(entries.map(({ entry: { at } }) => at)).toEqual([1])
    expect(segmentsOf(folder)).toHaveLength(1)
    expect((await open(folder)).times()).toEqual([1])
  })

  test('of any size is read beside everything else: others have their turns meanwhile', async () => {
    const folder = makeFolder()
    const { journal } = await open(folder)
    for (let n = 0; n < 20; n++) await Promise.all(Array.from({ length: 100 }, () => journal.append(ingested(1000))))
    await journal.close()
    let turns = 0
    let isRead = false
    const count = (): void => {
      turns++
      if (!isRead) setImmediate(count)
    }
    count()
    const began = process.cpuUsage()
    const { entries } = await open(folder)
    isRead = true
    expect(entries).toHaveLength(2000)
    // slices are of 10 ms; the collection of garbage takes its time beside them, not only on the event loop
    const { user, system } = process.cpuUsage(began)
    expect(turns).toBeGreaterThan((user + system) / 1000 / 100)
  })

  test('stamps each call after everything that it has written or read, whichever instance wrote it', async () => {
    const folder = makeFolder()
    const [one, other] = [await open(folder), await open(folder)]
    const stampsOf = ({ entries }: typeof one): number[] =>
      entries.map(({ entry }) => (entry.kind === 'ingest' ? (entry.stamp as number) : 0))
    // so many stamps that it is seconds ahead of the clock
    const AHEAD = 2_000_000
    await one.journal.append(ingested(AHEAD))
    await until('the other to have read it', async () => (other.entries.length === 1 ? true : undefined))
    await other.journal.append(ingested(1))
    await until('the first to have read that', async () => (one.entries.length === 2 ? true : undefined))
    await one.journal.append(ingested(1))
    const [first = 0, second = 0, third = 0] = stampsOf(one)
    expect(first).toBeGreaterThan(Date.UTC(2020, 0) * 1000)
    expect(second).toBeGreaterThanOrEqual(first + AHEAD)
    expect(third).toBeGreaterThan(second)
    for (const { journal } of [one, other]) await journal.close()
    // after a restart, too
    const again = await open(folder)
    await again.journal.append(ingested(1))
    expect(stampsOf(again).at(-1)).toBeGreaterThan(third)
  })

  test('keeps nothing in the clear, and its key to its owner', async () => {
    const folder = makeFolder()
    const { path } = await written(folder)
    expect(readFileSync(path).includes('secret')).toBe(false)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'journal-key')).mode & 0o777).toBe(0o600)
  })

  test('instances that share the folder see each other’s entries', async () => {
    const folder = makeFolder()
    const a = await open(folder)
    const b = await open(folder)
    await a.journal.append(entry(1))
    await b.journal.append(entry(2))
    await until('both', () => (a.entries.length === 2 && b.entries.length === 2 ? true : undefined))
    expect(segmentsOf(folder)).toHaveLength(2)
  })

  test('refuses at once when too much waits for the disk, and accepts again later', async () => {
    const { journal } = await open(makeFolder())
    const large: JournalEntry = { kind: 'preference', at: 1, userId: 'x'.repeat(10 << 20), preference: 'AUTO' }
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => journal.append(large)))
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'OVERLOADED', retryable: true })
    await journal.append(entry(1))
  })

  test('accepts nothing that it cannot keep, and works again when it can', async () => {
    const folder = makeFolder()
    const { journal, times } = await open(folder)
    // no new segment can be made where a file stands
    renameSync(join(folder, 'journal'), join(folder, 'away'))
    await expect(journal.append(entry(1))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryable: true })
    expect(journal.health().state).toBe('DOWN')
    renameSync(join(folder, 'away'), join(folder, 'journal'))
    await journal.append(entry(2))
    expect(times()).toEqual([2])
    expect(journal.health().state).toBe('UP')
  })
})
