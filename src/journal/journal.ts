import { count, grouped } from '../domain/counted.ts'
import { BridgeError } from '../domain/errors.ts'
import { makeFolder } from '../make-folder.ts'
import type { Journal, JournalListener, JournalPlace, SegmentExtent } from '../ports/journal.ts'
import { notingPlace } from '../ports/journaled-within.ts'
import { inSpan } from '../ports/spans.ts'
import { createContents, type SegmentContent } from './contents.ts'
import { decoding, encodeEntry, recordsIn } from './entries.ts'
import { followJournal } from './following.ts'
import { openJournalHeads } from './heads.ts'
import type { JournalKey } from './key.ts'
import { createSegmentWriter } from './segment-writer.ts'
import { createSegmentReader, segmentSize } from './segments.ts'
import { createStamps } from './stamps.ts'
import { openToldHeads } from './told-heads.ts'

export interface JournalOptions {
  folder: string
  key: JournalKey
  /** Names this instance among those that share the folder: 12 hexadecimal digits. */
  instance: string
  /** File, outside of `folder`, that says how far each segment was acknowledged. */
  headsPath: string
  /** Hears of everything once, in the order of each segment: what is on disk, what is appended, what other instances write. */
  listener: JournalListener
  /** Milliseconds between two looks for what other instances wrote. */
  followIntervalMs: number
  /** Hears once of each file that is no segment and has the name of one. */
  onOddFile?: (oddity: string) => void
}

export interface JournalHealth {
  state: 'UP' | 'DEGRADED' | 'DOWN'
  detail: string
}

/** The encrypted log on local disk. Instances that share its folder write segments of their own and read all. */
export interface OpenJournal extends Journal {
  /** Settles when everything that was on disk at the start was handed over. Before it, `append` is refused. */
  whenRead(): Promise<void>
  /** Whether that is so. */
  isRead(): boolean
  /**
   * Up to when everything that others wrote was handed over, in milliseconds since 1970; `undefined` until that was done
   * for the first time.
   */
  heardUntil(): number | undefined
  /**
   * Settles when all that other instances had acknowledged when it was called was handed over, or is known to be lost.
   */
  whenCurrent(): Promise<void>
  /**
   * Whether an entry was acknowledged, or was there at the start. One that another instance has written may not be: it
   * may have been killed before it did, and nobody else knows of the entry yet.
   */
  isAcknowledged(place: JournalPlace): boolean
  /** Something that others have acknowledged is lost, as was just noticed. */
  isBehind(): boolean
  /** Hands over everything that is on disk, once more. */
  replay(listener: JournalListener): Promise<void>
  /** What is known of each segment: in the folder, or acknowledged and gone. */
  extents(): SegmentExtent[]
  health(): JournalHealth
  close(): Promise<void>
}

type OpenParts = ReturnType<typeof openParts>

export function openJournal(options: JournalOptions): OpenJournal {
  makeFolder(options.folder)
  const parts = openParts(options)
  const { writer, following, listener, stamps } = parts
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await following.close()
    await writer.close()
    parts.heads.close()
    parts.told.close()
  }
  return {
    async append(entry) {
      // its files are closed by their numbers, which others have then
      if (closed !== undefined)
        throw new BridgeError('STORAGE_UNAVAILABLE', 'the journal is closed: nothing was accepted')
      if (!following.isRead()) throw new BridgeError('SOURCE_UNAVAILABLE', 'the journal is being read: try again')
      // entries are written in the order in which they are stamped
      const stamped = entry.kind === 'ingest' ? stamps.stamped(entry) : entry
      const records = recordsIn(stamped)
      return inSpan('journal', { kind: stamped.kind, records }, () => {
        const notePlace = notingPlace()
        return writer.append(encodeEntry(stamped), records, (place) => {
          notePlace(place)
          listener.entry(stamped, place)
        })
      })
    },
    whenRead: following.whenRead,
    isRead: following.isRead,
    heardUntil: following.readAt,
    whenCurrent: following.whenCurrent,
    isBehind: following.isBehind,
    isAcknowledged: ({ segment, to }) =>
      parts.own.has(segment) || to <= Math.max(following.readAtStart(segment), following.toldTo(segment)),
    replay: (again) => replay(options, parts, again),
    extents: () => extentsOf(parts),
    health: () => healthOf(options, parts),
    close() {
      closed ??= close()
      return closed
    },
  }
}

function openParts({ folder, key, instance, headsPath, followIntervalMs, onOddFile, listener }: JournalOptions) {
  const heads = openJournalHeads(headsPath)
  const told = openToldHeads(folder, instance)
  /** Of what was read, and of what was written here. */
  const contents = createContents()
  const counter = { entries: 0 }
  const stamps = createStamps()
  const noted = contents.noting({
    entry(entry, place) {
      counter.entries++
      stamps.learn(entry)
      listener.entry(entry, place)
    },
    unreadable: (place, reason) => listener.unreadable(place, reason),
  })
  /** Segments that are written here. */
  const own = new Set<string>()
  const reader = createSegmentReader(folder, key, decoding(noted))
  return {
    heads,
    told,
    contents,
    counter,
    stamps,
    own,
    reader,
    listener: noted,
    /** What segments lost after they were read, as it was noticed when they were read once more. */
    lostSince: new Map<string, SegmentContent>(),
    writer: createSegmentWriter({
      folder,
      key,
      onAcknowledged(segment, head) {
        const before = heads.all().get(segment) ?? { to: 0, records: 0 }
        told.tell(segment, head)
        try {
          heads.set(segment, head)
        } catch (error) {
          // nothing is acknowledged: others would take it for lost
          told.tell(segment, before)
          throw error
        }
      },
      onBegin: (segment) => own.add(segment),
      onFailed: (segment) => own.delete(segment),
    }),
    following: followJournal({ reader, own, heads, told, contents, intervalMs: followIntervalMs, onOddFile }),
  }
}

function extentsOf({ heads, contents, own, reader, lostSince }: OpenParts): SegmentExtent[] {
  const read = reader.extents()
  const segments = new Set([...heads.all().keys(), ...read.keys(), ...own])
  return [...segments].map((segment) => {
    const { to = 0, records: acknowledgedRecords = 0 } = heads.all().get(segment) ?? {}
    const readTo = own.has(segment) ? to : (read.get(segment)?.readTo ?? 0)
    const content = contents.of(segment)
    const { unreadable, records } = lostSince.get(segment) ?? { unreadable: content.unreadable, records: 0 }
    const left = { records: content.records - records, unreadable }
    return { segment, readTo, ...left, acknowledgedTo: to, acknowledgedRecords }
  })
}

/** Reads everything that is on disk once more, and notes what is there no longer. */
async function replay({ folder, key }: JournalOptions, parts: OpenParts, again: JournalListener): Promise<void> {
  const { contents, following, lostSince } = parts
  const before = extentsOf(parts).map(({ segment, acknowledgedTo }) => {
    return { segment, to: acknowledgedTo, records: contents.of(segment).records }
  })
  const found = createContents()
  const once = createSegmentReader(folder, key, decoding(found.noting(again)))
  await once.read(new Set(), following.signal)
  for (const { segment, to, records } of before) {
    const content = found.of(segment)
    const readTo = once.extents().get(segment)?.readTo ?? 0
    const unreadable = readTo < to ? [...content.unreadable, [readTo, to] as [number, number]] : content.unreadable
    if (unreadable.length > 0) lostSince.set(segment, { unreadable, records: Math.max(0, records - content.records) })
    else lostSince.delete(segment)
  }
}

function healthOf({ folder, headsPath }: JournalOptions, parts: OpenParts): JournalHealth {
  const { writer, following, counter, reader } = parts
  const [unwritable, unread, unnoted] = [writer.problem(), following.problem(), following.headsProblem()]
  if (unwritable !== undefined) return { state: 'DOWN', detail: `cannot be written: ${unwritable}` }
  if (unread !== undefined) return { state: 'DEGRADED', detail: `cannot be read: ${unread}` }
  if (!following.isRead()) return { state: 'DOWN', detail: `is being read: ${count(counter.entries, 'entry')} so far` }
  const problems = [
    ...(unnoted === undefined ? [] : [`${headsPath} cannot be written: ${unnoted}`]),
    ...describeLosses(folder, extentsOf(parts)),
    ...describeMissingKeys(reader.missingKeys()),
    ...reader.oddities(),
  ]
  if (problems.length > 0) return { state: 'DEGRADED', detail: problems.join('; ') }
  const torn = following.tornBytes()
  const left = torn === 0 ? '' : `, ${count(torn, 'byte')} of a torn entry were left out at the start`
  return { state: 'UP', detail: `${count(counter.entries, 'entry')}${left}` }
}

const describeMissingKeys = (ids: ReadonlySet<string>): string[] =>
  ids.size === 0 ? [] : [`keys that are not here: ${[...ids].join(', ')} (docs/runbooks/journal-key.md)`]

/** What is damaged, and what is shorter on disk than it was read or acknowledged. */
function describeLosses(folder: string, extents: readonly SegmentExtent[]): string[] {
  const damaged = extents.flatMap(({ segment, unreadable }) =>
    unreadable.map(([from, to]) => `${segment}, bytes ${from} to ${to}`),
  )
  const shorter = extents.filter(
    // an end of zeros is as long as what it stands for, and is not read
    ({ segment, readTo, acknowledgedTo }) =>
      readTo < acknowledgedTo || segmentSize(folder, segment) < Math.max(readTo, acknowledgedTo),
  )
  return [
    ...(damaged.length > 0
      ? [`${count(damaged.length, 'damaged place')}, in the folder quarantine, first ${damaged[0]}`]
      : []),
    ...(shorter.length > 0
      ? [
          `${grouped(shorter.length)} segments are shorter on disk than what was acknowledged, first ${shorter[0]?.segment}`,
        ]
      : []),
  ]
}
