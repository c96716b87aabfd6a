import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFrame } from '../../../src/journal/frame.ts'
import { loadJournalKey } from '../../../src/journal/key-file.ts'
import type { JournalPlace } from '../../../src/ports/journal.ts'
import { entry, ingested, open, opened, segmentsOf, written } from '../../support/journals.ts'
import { makeFolder } from '../../support/transcripts.ts'

describe('a journal that is damaged, or was written by another release', () => {
  test.each([
    ['of a later version', { version: 99, entry: { ...ingested(9), kind: 'merged' } }],
    ['with records of a kind that is not known', { version: 1, entry: { ...ingested(9), kind: 'merged' } }],
  ])('keeps an entry %s and tells it as unreadable, never misreads it', async (_, entry) => {
    const folder = makeFolder()
    const { path, places } = await written(folder)
    const segment = basename(path, '.journal')
    const from = places.at(-1)?.to as number
    const later = Buffer.from(JSON.stringify(entry))
    appendFileSync(path, encodeFrame(later, loadJournalKey(folder, join(folder, 'journal')), segment, from))
    const { times, damage, journal } = await open(folder)
    expect(times()).toEqual([1, 2, 3])
    expect(damage).toEqual([{ segment, from, to: statSync(path).size }])
    expect(journal.health().state).toBe('DEGRADED')
  })

  test('misses nothing where a later release journaled what brings no records', async () => {
    const folder = makeFolder()
    const { path, places } = await written(folder)
    const from = places.at(-1)?.to as number
    const later = Buffer.from(JSON.stringify({ version: 1, entry: { kind: 'tomorrow', at: 4 } }))
    const key = loadJournalKey(folder, join(folder, 'journal'))
    appendFileSync(path, encodeFrame(later, key, basename(path, '.journal'), from))
    const { times, damage, journal } = await open(folder)
    expect([times(), damage, journal.health().state]).toEqual([[1, 2, 3], [], 'UP'])
  })

  test('reads an entry of an earlier version', async () => {
    const folder = makeFolder()
    const { path, places } = await written(folder)
    const segment = basename(path, '.journal')
    const from = places.at(-1)?.to as number
    const earlier = Buffer.from(JSON.stringify({ version: 0, entry: entry(4) }))
    appendFileSync(path, encodeFrame(earlier, loadJournalKey(folder, join(folder, 'journal')), segment, from))
    const { times, damage } = await open(folder)
    expect(times()).toEqual([1, 2, 3, 4])
    expect(damage).toEqual([])
  })

  test('knows what it has lost since it was read, when it is read once more', async () => {
    const { journal, folder } = await opened()
    const place = await journal.append(ingested(3))
    const later = await journal.append(ingested(4))
    expect(journal.extents()).toMatchObject([{ records: 7, unreadable: [], acknowledgedRecords: 7 }])
    const path = segmentsOf(folder)[0] as string
    const bytes = readFileSync(path)
    bytes[place.to - 1] = (bytes[place.to - 1] as number) ^ 1
    writeFileSync(path, bytes)
    await journal.replay({ entry() {}, unreadable() {} })
    expect(journal.extents()).toMatchObject([
      { records: 4, unreadable: [[place.from, place.to]], acknowledgedRecords: 7 },
    ])
    truncateSync(path, place.from)
    await journal.replay({ entry() {}, unreadable() {} })
    expect(journal.extents()).toMatchObject([
      { records: 0, unreadable: [[place.from, later.to]], acknowledgedRecords: 7 },
    ])
    expect(journal.health().state).toBe('DEGRADED')
  })

  test('counts what comes after damage that was noticed while it runs', async () => {
    const { journal, folder } = await opened()
    const place = await journal.append(ingested(1))
    const path = segmentsOf(folder)[0] as string
    const bytes = readFileSync(path)
    bytes[place.to - 1] = (bytes[place.to - 1] as number) ^ 1
    writeFileSync(path, bytes)
    await journal.replay({ entry() {}, unreadable() {} })
    const { to } = await journal.append(ingested(500))
    expect(journal.extents()).toMatchObject([{ records: 500, readTo: to, acknowledgedRecords: 501 }])
  })

  test('takes zeros at the end, which a loss of power can leave, for what was never acknowledged', async () => {
    const folder = makeFolder()
    const { path, places } = await written(folder)
    appendFileSync(path, Buffer.alloc(5000))
    const { times, damage, journal } = await open(folder)
    expect(times()).toEqual([1, 2, 3])
    expect(damage).toEqual([])
    expect(journal.extents()).toMatchObject([{ readTo: places.at(-1)?.to, unreadable: [] }])
    expect(journal.health()).toEqual({ state: 'UP', detail: expect.stringContaining('5,000 bytes of a torn entry') })
  })

  test('never goes on in a segment, or with a list of heads, that was removed', async () => {
    const folder = makeFolder()
    const { journal, times } = await open(folder)
    await journal.append(entry(1))
    rmSync(segmentsOf(folder)[0] as string)
    rmSync(join(folder, 'journal-heads'))
    await expect(journal.append(entry(2))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryable: true })
    await journal.append(entry(3))
    expect(times()).toEqual([1, 3])
    await journal.close()
    const again = await open(folder)
    expect(again.times()).toEqual([3])
    expect(again.journal.health()).toMatchObject({ state: 'DEGRADED', detail: expect.stringContaining('shorter') })
  })

  test('counts what was damaged before it was read as a record that it had', async () => {
    const folder = makeFolder()
    const { path, places } = await written(folder)
    rmSync(join(folder, 'journal-heads'))
    const bytes = readFileSync(path)
    bytes.writeUInt8(bytes.readUInt8((places[1] as JournalPlace).from + 30) ^ 1, (places[1] as JournalPlace).from + 30)
    writeFileSync(path, bytes)
    for (const _ of ['at first', 'and after a restart']) {
      const { journal, times } = await open(folder)
      expect(times()).toEqual([1, 3])
      expect(journal.extents()).toMatchObject([{ acknowledgedTo: places[2]?.to, records: 0, acknowledgedRecords: 1 }])
      await journal.close()
    }
  })

  test('a torn tail is cut off at every byte: the entries before it stay, and new ones follow', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, noNaN: true }), async (share) => {
        const folder = makeFolder()
        const { path, places } = await written(folder)
        const length = Math.floor(share * statSync(path).size)
        truncateSync(path, length)
        const whole = places.filter(({ to }) => to <= length).length
        const { journal, times, damage } = await open(folder)
        expect(times()).toEqual([1, 2, 3].slice(0, whole))
        expect(damage).toEqual([])
        await journal.append(entry(9))
        expect(times()).toEqual([...[1, 2, 3].slice(0, whole), 9])
        await journal.close()
        expect((await open(folder)).times()).toEqual([...[1, 2, 3].slice(0, whole), 9])
      }),
      { numRuns: 30 },
    )
  })

  test('damage anywhere costs the entry that it hit alone, is put in quarantine and reported', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const folder = makeFolder()
        const { path, places } = await written(folder)
        const bytes = readFileSync(path)
        const hit = at % bytes.length
        bytes[hit] = (bytes[hit] as number) ^ change
        writeFileSync(path, bytes)
        const { journal, times, damage } = await open(folder)
        const spared = places.flatMap(({ from, to }, i) => (hit >= from && hit < to ? [] : [i + 1]))
        expect(times()).toEqual(spared)
        expect(damage.length).toBeGreaterThan(0)
        expect(readdirSync(join(folder, 'journal', 'quarantine')).length).toBeGreaterThan(0)
        expect(journal.health().state).toBe('DEGRADED')
        await journal.append(entry(9))
      }),
      { numRuns: 60 },
    )
  })
})
