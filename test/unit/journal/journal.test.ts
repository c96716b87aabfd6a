import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encodeFrame } from '../../../src/journal/frame.ts'
import { openJournal } from '../../../src/journal/journal.ts'
import { loadJournalKey } from '../../../src/journal/key-file.ts'
import type { JournalEntry, JournalPlace } from '../../../src/ports/journal.ts'
import { makeFolder } from '../../support/transcripts.ts'
import { until } from '../../support/until.ts'

const entry = (n: number): JournalEntry => ({
  kind: 'preference',
  at: n,
  userId: `secret-user-${n}`,
  preference: 'LEGACY',
})

let opens = 0

async function open(folder: string) {
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

const opened = async () => {
  const folder = makeFolder()
  return { folder, ...(await open(folder)) }
}

const ingested = (records: number): JournalEntry => ({
  kind: 'ingest',
  at: 0,
  caller: 'ann',
  idempotencyKey: undefined,
  contentHash: '',
  records: Array.from({ length: records }, () => ({}) as never),
  refused: [],
})

const segmentsOf = (folder: string): string[] =>
  readdirSync(join(folder, 'journal'))
    .filter((name) => name.endsWith('.journal'))
    .sort()
    .map((name) => join(folder, 'journal', name))

/** A journal of three entries in one segment, closed. */
async function written(folder: string): Promise<{ path: string; places: JournalPlace[] }> {
  const { journal } = await open(folder)
  const places = []
  for (const n of [1, 2, 3]) places.push(await journal.append(entry(n)))
  await journal.close()
  return { path: segmentsOf(folder)[0] as string, places }
}

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
    expect(journal.health()).toEqual({ state: 'UP', detail: expect.stringContaining('5000 bytes of a torn entry') })
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

  test('keeps nothing in the clear, and its key to its owner', async () => {
    const folder = makeFolder()
    const { path } = await written(folder)
    expect(readFileSync(path).includes('secret')).toBe(false)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'journal-key')).mode & 0o777).toBe(0o600)
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

  test('does not go on with a new key, or with another one, where segments hold what only the old one can read', async () => {
    const folder = makeFolder()
    const { path } = await written(folder)
    const load = () => loadJournalKey(folder, join(folder, 'journal'))
    const old = load().id.toString('hex')
    const key = join(folder, 'journal-key')
    const remedy = `in ${join(folder, 'journal')} there is 1 segment that was encrypted with the key ${old}: put that key back, or move ${join(folder, 'journal')} away`

    renameSync(key, join(folder, 'kept'))
    expect(load).toThrow(`${key} is missing: ${remedy}`)
    expect(readdirSync(folder)).not.toContain('journal-key')
    const other = loadJournalKey(join(folder, 'other'), join(folder, 'other', 'journal')).id.toString('hex')
    renameSync(join(folder, 'other', 'journal-key'), key)
    expect(load).toThrow(`${key} holds another key (${other}): ${remedy}`)

    // given back, everything is as it was; beside a segment of its own, that of another key is damage
    renameSync(key, join(folder, 'other', 'journal-key'))
    renameSync(join(folder, 'kept'), key)
    expect(load().id.toString('hex')).toBe(old)
    const foreign = await written(join(folder, 'other'))
    copyFileSync(foreign.path, join(dirname(path), basename(foreign.path)))
    expect(load().id.toString('hex')).toBe(old)

    // a damaged first header names no key, but a segment that holds something is not given up for a new one
    for (const name of segmentsOf(folder)) truncateSync(name, 40)
    for (const name of segmentsOf(folder)) writeFileSync(name, 'X', { flag: 'r+' })
    expect(load().id.toString('hex')).toBe(old)
    renameSync(key, join(folder, 'kept'))
    expect(load).toThrow('2 segments that were encrypted with the key unknown')
    // what is shorter than a frame's header holds nothing
    for (const name of segmentsOf(folder)) truncateSync(name, 31)
    expect(load().id.toString('hex')).not.toBe(old)
  })

  test('refuses a key that others can read, and one that is damaged', () => {
    const folder = makeFolder()
    loadJournalKey(folder, join(folder, 'journal'))
    const path = join(folder, 'journal-key')
    writeFileSync(path, 'short\n')
    expect(() => loadJournalKey(folder, join(folder, 'journal'))).toThrow('damaged')
    chmodSync(path, 0o644)
    expect(() => loadJournalKey(folder, join(folder, 'journal'))).toThrow('chmod 600')
  })
})
