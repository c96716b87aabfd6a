import { mkdirSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { BridgeError } from '../domain/errors.ts'
import type { Journal, JournalEntry, JournalListener, SegmentExtent } from '../ports/journal.ts'
import { openJournalHeads } from './heads.ts'
import type { JournalKey } from './key.ts'
import { createSegmentWriter } from './segment-writer.ts'
import { createSegmentReader, type SegmentListener, segmentSize } from './segments.ts'

/** Raise it when a release before would misread an entry; older ones stay readable. */
const ENTRY_VERSION = 1
/** What is of another kind is kept, and told as unreadable: it is for a later release. */
const KINDS: ReadonlySet<string> = new Set(
  Object.keys({ ingest: true, preference: true } satisfies Record<JournalEntry['kind'], true>),
)

export interface JournalOptions {
  folder: string
  key: JournalKey
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
  /** Hands over everything that is on disk, once more. */
  replay(listener: JournalListener): Promise<void>
  /** What is known of each segment: in the folder, or acknowledged and gone. */
  extents(): SegmentExtent[]
  health(): JournalHealth
  close(): Promise<void>
}

export function openJournal(options: JournalOptions): OpenJournal {
  const { folder, key, listener } = options
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const heads = openJournalHeads(options.headsPath)
  /** Of what was read, and of what was written here. */
  const contents: Contents = new Map()
  let entries = 0
  const counted = counting(contents, {
    entry(entry, place) {
      entries++
      listener.entry(entry, place)
    },
    unreadable: (place, reason) => listener.unreadable(place, reason),
  })
  /** What segments lost after they were read, as it was noticed when they were read once more. */
  const lostSince = new Map<string, SegmentContent>()

  const own = new Set<string>()
  const reader = createSegmentReader(folder, key, decoding(counted))
  const writer = createSegmentWriter({
    folder,
    key,
    heads,
    onBegin: (segment) => own.add(segment),
    onFailed: (segment) => own.delete(segment),
  })
  let isRead = false
  let tornBytes = 0
  let followProblem: string | undefined
  let headsProblem: string | undefined
  let toldOddities: ReadonlySet<string> = new Set()
  const closing = new AbortController()

  const readFirst = async (): Promise<void> => {
    // whoever listens is told nothing before it is there
    await nextTurn()
    while (!(await look())) await pause(options.followIntervalMs, undefined, { signal: closing.signal })
    tornBytes = reader.unfinishedBytes()
    isRead = true
  }
  /** Returns whether everything could be read. A folder that is away for a while must not end the server. */
  const look = async (): Promise<boolean> => {
    try {
      await reader.read(own, closing.signal)
      noteHeads()
      followProblem = undefined
    } catch (error) {
      followProblem = (error as Error).message
    }
    for (const oddity of reader.oddities()) if (!toldOddities.has(oddity)) options.onOddFile?.(oddity)
    toldOddities = new Set(reader.oddities())
    return followProblem === undefined
  }
  /** What others wrote was acknowledged, too; what cannot be noted now is noted after the next look. */
  const noteHeads = (): void => {
    try {
      for (const [segment, { readTo }] of reader.extents()) {
        if (readTo <= (heads.all().get(segment)?.to ?? -1)) continue
        heads.set(segment, { to: readTo, records: (contents.get(segment) ?? NO_CONTENT).records })
      }
      headsProblem = undefined
    } catch (error) {
      headsProblem = (error as Error).message
    }
  }
  const first = readFirst()
  const follow = async (): Promise<void> => {
    await first
    for (;;) {
      await pause(options.followIntervalMs, undefined, { ref: false, signal: closing.signal })
      await look()
    }
  }
  // it ends when the journal is closed
  const following = follow().catch(() => undefined)

  const extents = (): SegmentExtent[] => {
    const read = reader.extents()
    const segments = new Set([...heads.all().keys(), ...read.keys(), ...own])
    return [...segments].map((segment) => {
      const { to = 0, records: acknowledgedRecords = 0 } = heads.all().get(segment) ?? {}
      const readTo = own.has(segment) ? to : (read.get(segment)?.readTo ?? 0)
      const content = contents.get(segment) ?? NO_CONTENT
      const { unreadable, records } = lostSince.get(segment) ?? { unreadable: content.unreadable, records: 0 }
      const left = { records: content.records - records, unreadable }
      return { segment, readTo, ...left, acknowledgedTo: to, acknowledgedRecords }
    })
  }

  /** Segments of which less is on disk than was read or acknowledged. */
  const shortened = (): string[] =>
    extents()
      .filter(({ segment, readTo, acknowledgedTo }) => segmentSize(folder, segment) < Math.max(readTo, acknowledgedTo))
      .map(({ segment }) => segment)

  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    closing.abort()
    await following
    await writer.close()
    heads.close()
  }

  return {
    async append(entry) {
      if (!isRead) throw new BridgeError('SOURCE_UNAVAILABLE', 'the journal is being read: try again')
      const plain = Buffer.from(JSON.stringify({ version: ENTRY_VERSION, entry }))
      return writer.append(plain, recordsIn(entry), (place) => counted.entry(entry, place))
    },
    whenRead: () => first,
    isRead: () => isRead,
    async replay(again) {
      const before = extents().map(({ segment, acknowledgedTo }) => {
        return { segment, to: acknowledgedTo, records: contents.get(segment)?.records ?? 0 }
      })
      const found: Contents = new Map()
      const once = createSegmentReader(folder, key, decoding(counting(found, again)))
      await once.read(new Set(), closing.signal)
      for (const { segment, to, records } of before) {
        const content = found.get(segment) ?? NO_CONTENT
        const readTo = once.extents().get(segment)?.readTo ?? 0
        const unreadable = readTo < to ? [...content.unreadable, [readTo, to] as [number, number]] : content.unreadable
        if (unreadable.length > 0)
          lostSince.set(segment, { unreadable, records: Math.max(0, records - content.records) })
        else lostSince.delete(segment)
      }
    },
    extents,
    health() {
      const problem = writer.problem()
      if (problem !== undefined) return { state: 'DOWN', detail: `cannot be written: ${problem}` }
      if (followProblem !== undefined) return { state: 'DEGRADED', detail: `cannot be read: ${followProblem}` }
      if (!isRead) return { state: 'DOWN', detail: `is being read: ${entries} entries so far` }
      const damaged = extents().flatMap(({ segment, unreadable }) =>
        unreadable.map(([from, to]) => `${segment}, bytes ${from} to ${to}`),
      )
      const problems = [
        ...(headsProblem === undefined ? [] : [`${options.headsPath} cannot be written: ${headsProblem}`]),
        ...(damaged.length > 0
          ? [`${damaged.length} damaged places, in the folder quarantine, first ${damaged[0]}`]
          : []),
        ...describeShortened(shortened()),
        ...reader.oddities(),
      ]
      if (problems.length > 0) return { state: 'DEGRADED', detail: problems.join('; ') }
      const torn = tornBytes === 0 ? '' : `, ${tornBytes} bytes of a torn entry were left out at the start`
      return { state: 'UP', detail: `${entries} entries${torn}` }
    },
    close() {
      closed ??= close()
      return closed
    },
  }
}

/** Reads frames as entries. The tag of a frame has shown that it is ours; a later version may have written it. */
function decoding(listener: JournalListener): SegmentListener {
  return {
    frame(plain, segment, from, to) {
      const { version, entry } = JSON.parse(plain.toString('utf8')) as { version: number; entry: JournalEntry }
      const place = { segment, from, to }
      if (version > ENTRY_VERSION) listener.unreadable(place, 'an entry of a later version')
      else if (!KINDS.has(entry.kind)) listener.unreadable(place, 'an entry of a kind that this release does not know')
      else listener.entry(entry, place)
    },
    damage: ({ segment, from, to, reason }) => listener.unreadable({ segment, from, to }, reason),
  }
}

type SegmentContent = Pick<SegmentExtent, 'records' | 'unreadable'>
type Contents = Map<string, SegmentContent>
const NO_CONTENT: SegmentContent = { records: 0, unreadable: [] }

/** Notes what each segment holds on the way to a listener. */
function counting(contents: Contents, listener: JournalListener): JournalListener {
  const contentOf = (segment: string): SegmentContent => {
    const content = contents.get(segment) ?? { records: 0, unreadable: [] }
    contents.set(segment, content)
    return content
  }
  return {
    entry(entry, place) {
      contentOf(place.segment).records += recordsIn(entry)
      listener.entry(entry, place)
    },
    unreadable(place, reason) {
      const { unreadable } = contentOf(place.segment)
      const last = unreadable.at(-1)
      // what follows on damage is the same damage
      if (last !== undefined && last[1] === place.from) last[1] = place.to
      else unreadable.push([place.from, place.to])
      listener.unreadable(place, reason)
    },
  }
}

const recordsIn = (entry: JournalEntry): number => (entry.kind === 'ingest' ? entry.records.length : 0)

function describeShortened(segments: readonly string[]): string[] {
  if (segments.length === 0) return []
  return [`${segments.length} segments are shorter on disk than what was acknowledged, first ${segments[0]}`]
}
