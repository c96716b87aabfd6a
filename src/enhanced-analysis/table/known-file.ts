import { randomInt } from 'node:crypto'
import type { LogIdentity } from '../../domain/log-name.ts'
import { type FoundTitle, mergeTitles } from '../../transcripts/title.ts'
import type { FileUpdateHeader, RefusedByReason } from './file-update.ts'

/** No row. */
export const NONE = -1

/** What the table knows of one log: a transcript, or a segment of the journal. */
export interface KnownFile {
  /** Number of the file in `Columns.file`. */
  id: number
  /** What names it on this disk: `device:inode`, or `journal:SEGMENT`. */
  key: string
  /** How it is called in the database, and by which its copies are ranked. */
  log: LogIdentity
  path: string
  root: string
  relativePath: string
  /** A segment of the journal: its records came by mutation and name their own origins. */
  byMutation: boolean
  /** Number of the origin of a transcript's records. */
  origin: number
  size: number
  modifiedNs: string
  counted: number
  fingerprint: FileUpdateHeader['fingerprint']
  copies: number
  /** Of a segment of the journal, whose copies have origins of their own: how many each has, by its number. */
  copiesByOrigin: Map<number, number>
  refused: RefusedByReason
  tail: FileUpdateHeader['tail']
  titles: readonly FoundTitle[] | undefined
  leaf: string | undefined
  usesStem: boolean
  /** Of a segment of the journal: ranges that cannot be read, the first byte and one past the last. */
  unreadable: (readonly [number, number])[]
  /** First row of its list, or -1. */
  firstRow: number
  /** Counts up with each change. */
  version: number
  /**
   * Names the time that it was read from its first byte: what is known of its bytes is of that one. No two are called
   * alike, of whichever file: a file system gives the number of one that is gone to the next.
   */
  reading: number
  /** SHA-256 of its first bytes, by their number; empty: they cannot be read. */
  digests: Map<number, string>
  /** Numbers of first bytes whose hash says which log it is. */
  wanted: Set<number>
  /** Whether it was compared with what the ledger knows since it was last read from its first byte, or renamed. */
  attached: boolean
  /** It is attached to a log that the ledger knows. */
  isRegistered: boolean
  /** The ledger knows its log further than it was compared. */
  isBehind: boolean
  /** Where its log is registered: its path under the root, and the file there. */
  registeredAt: { relativePath: string; inode: string | undefined }
  edition: number
  /** Its records that begin before this byte are published in ClickHouse. */
  publishedTo: number
  /** Places whose records the database refused: they are not published, wherever they are. */
  setAside: ReadonlySet<number>
  /** A last line without its end was published, and the log was read again since: it may be another line now. */
  suspect: boolean
}

/** Until it is compared with what the ledger knows, nothing of it counts as published. */
export function detach(file: KnownFile): void {
  file.attached = false
  file.isBehind = false
  file.publishedTo = 0
}

/** Up to where a log can be shipped: one past its last counted byte. */
export function shippableTo(file: KnownFile): number {
  return file.tail.records > 0 ? file.size : file.counted
}

/** Of which nothing is counted yet. */
export function createKnownFile(id: number, header: FileUpdateHeader): KnownFile {
  return {
    id,
    key: header.key,
    log: { key: header.key, user: '', host: '', path: header.path },
    path: header.path,
    root: header.root,
    relativePath: header.relativePath,
    byMutation: header.origins !== undefined,
    origin: 0,
    size: 0,
    modifiedNs: '',
    counted: 0,
    fingerprint: header.fingerprint,
    copies: 0,
    copiesByOrigin: new Map(),
    refused: {},
    tail: header.tail,
    titles: undefined,
    leaf: undefined,
    usesStem: false,
    unreadable: [],
    firstRow: NONE,
    version: 0,
    reading: 0,
    digests: new Map(),
    wanted: new Set(),
    attached: false,
    isRegistered: false,
    isBehind: false,
    registeredAt: { relativePath: header.relativePath, inode: header.key },
    edition: 0,
    publishedTo: 0,
    setAside: new Set(),
    suspect: false,
  }
}

/** A thread that was started again must not call another reading like one of before. */
let nextReading = randomInt(1, 2 ** 47)

/** What reading a range of it gave, but for the records. */
export function noteRead(file: KnownFile, header: FileUpdateHeader): void {
  const fresh = header.from === 0
  file.version++
  if (fresh) {
    detach(file)
    file.reading = nextReading++
    file.digests.clear()
    file.copiesByOrigin.clear()
  }
  file.copies = (fresh ? 0 : file.copies) + header.copies
  file.refused = fresh ? header.refused : mergeRefused(file.refused, header.refused)
  file.usesStem = header.usesStem || (!fresh && file.usesStem)
  file.counted = header.to
  file.size = header.size
  file.modifiedNs = header.modifiedNs
  file.fingerprint = header.fingerprint
  file.tail = header.tail
  file.titles = fresh ? header.titles : mergeTitles(file.titles, header.titles)
  file.leaf = header.leaf
  if (header.unreadable !== undefined) addRange(file.unreadable, header.unreadable)
}

/** Ranges come in order; what follows on the last one is part of it. */
function addRange(ranges: KnownFile['unreadable'], [from, to]: readonly [number, number]): void {
  const last = ranges.at(-1)
  if (last?.[1] === from) ranges[ranges.length - 1] = [last[0], to]
  else ranges.push([from, to])
}

/** Counts add up; of the places, the first hundred are kept. */
export function mergeRefused(a: RefusedByReason, b: RefusedByReason): RefusedByReason {
  const merged: RefusedByReason = { ...a }
  for (const [reason, refused] of Object.entries(b) as [
    keyof RefusedByReason,
    { count: number; offsets: number[] },
  ][]) {
    const known = merged[reason]
    merged[reason] =
      known === undefined
        ? refused
        : { count: known.count + refused.count, offsets: [...known.offsets, ...refused.offsets].slice(0, 100) }
  }
  return merged
}
