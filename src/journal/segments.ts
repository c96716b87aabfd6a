import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { makeFolder } from '../make-folder.ts'
import { decodeFrame, FRAME_HEADER_BYTES, keyIdOf } from './frame.ts'
import type { JournalKey } from './key.ts'

const SUFFIX = '.journal'
/** Bytes that are read at once; more where a single frame is larger. */
const WINDOW_BYTES = 4 << 20
/** After so long, whatever else the event loop has to do comes first. */
const SLICE_MS = 10

/** Bytes of a segment that are no entry, copied to the folder `quarantine`. */
export interface Damage {
  segment: string
  from: number
  to: number
  reason: string
}

/** What is heard of segments as they are read, in the order of their bytes. */
export interface SegmentListener {
  frame(plain: Buffer, segment: string, from: number, to: number): void
  /** Bytes that cannot be read. */
  damage(damage: Damage): void
}

/** Reads the segments of a folder, each from where it was left; those that other instances write, too. */
export interface SegmentReader {
  /** Reads what is new, in the order of the segments' names, without holding up the event loop. One at a time. */
  read(except: ReadonlySet<string>, signal?: AbortSignal): Promise<void>
  /** The same, of one segment alone. */
  readOne(segment: string, signal?: AbortSignal): Promise<void>
  /** Up to where each segment was read, and how long it was at the last look. */
  extents(): ReadonlyMap<string, { readTo: number; size: number }>
  /** What had the name of a segment at the last look, and was left out: one line each. */
  oddities(): readonly string[]
  /** Bytes at the end of segments that are no whole entry: torn by a crash, or being written. */
  unfinishedBytes(): number
  /** Ids of keys that something was encrypted with, and that are not here. */
  missingKeys(): ReadonlySet<string>
}

/** `onlyLooks`: damaged bytes are not copied aside. */
export function createSegmentReader(
  folder: string,
  key: JournalKey,
  listener: SegmentListener,
  { onlyLooks = false } = {},
): SegmentReader {
  const missingKeys = new Set<string>()
  const extents = new Map<string, { readTo: number; size: number }>()
  let pauseAt = 0
  let oddities: readonly string[] = []

  const readSegment = async (segment: string, signal: AbortSignal | undefined): Promise<void> => {
    const fd = openSegment(folder, segment)
    try {
      const { size } = fstatSync(fd)
      const extent = extents.get(segment) ?? { readTo: 0, size }
      extent.size = size
      extents.set(segment, extent)
      let windowBytes = WINDOW_BYTES
      while (extent.readTo < size) {
        const bytes = Buffer.allocUnsafe(Math.min(windowBytes, size - extent.readTo))
        const length = readSync(fd, bytes, 0, bytes.length, extent.readTo)
        const isLast = extent.readTo + length >= size
        const end = await readWindow(bytes.subarray(0, length), extent.readTo, segment, isLast)
        signal?.throwIfAborted()
        extent.readTo += end
        if (end > 0) continue
        // a frame that is larger than the window, or one that is not all there
        if (extent.readTo + bytes.length >= size) break
        windowBytes *= 2
      }
    } finally {
      closeSync(fd)
    }
  }

  /** Returns how many bytes were read. */
  const readWindow = async (window: Buffer, base: number, segment: string, isLast: boolean): Promise<number> => {
    for (let at = 0; ; ) {
      const frame = decodeFrame(window, at, base, key, segment)
      if (frame.kind === 'unfinished') return at
      // what a loss of power can leave of a write that was never finished
      if (isLast && frame.kind === 'damaged' && isZero(window.subarray(at))) return at
      const [from, to] = [base + at, base + frame.end]
      if (frame.kind === 'damaged') {
        if (frame.missingKey !== undefined) missingKeys.add(frame.missingKey)
        if (!onlyLooks) quarantine(folder, segment, from, window.subarray(at, frame.end))
        listener.damage({ segment, from, to, reason: frame.reason })
      } else listener.frame(frame.plain, segment, from, to)
      at = frame.end
      if (performance.now() < pauseAt) continue
      await nextTurn()
      pauseAt = performance.now() + SLICE_MS
    }
  }

  return {
    async read(except, signal) {
      pauseAt = performance.now() + SLICE_MS
      const odd: string[] = []
      const segments = listSegments(folder, (oddity) => odd.push(oddity))
      oddities = odd
      for (const segment of segments) if (!except.has(segment)) await readSegment(segment, signal)
    },
    readOne(segment, signal) {
      pauseAt = performance.now() + SLICE_MS
      return readSegment(segment, signal)
    },
    oddities: () => oddities,
    missingKeys: () => missingKeys,
    extents: () => extents,
    unfinishedBytes: () => [...extents.values()].reduce((sum, { readTo, size }) => sum + Math.max(0, size - readTo), 0),
  }
}

const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0)

/**
 * Copies damaged bytes aside, for a person to look at; the segment is not changed. A full disk is no reason to stop
 * reading.
 */
function quarantine(folder: string, segment: string, from: number, bytes: Buffer): void {
  try {
    makeFolder(join(folder, 'quarantine'))
    writeFileSync(join(folder, 'quarantine', `${segment}-${from}.bin`), bytes, { mode: 0o600 })
  } catch {
    // the damage is reported whether the copy was made or not
  }
}

/**
 * The key that the first frame of each segment names (hexadecimal), by segment; `undefined` where its header cannot be
 * read. Without those that are too short for a frame, and hold none.
 */
export function firstKeyIds(folder: string): Map<string, string | undefined> {
  const ids = new Map<string, string | undefined>()
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return ids
  for (const segment of listSegments(folder, () => undefined)) {
    const fd = openSegment(folder, segment)
    try {
      const header = Buffer.alloc(FRAME_HEADER_BYTES)
      if (readSync(fd, header, 0, header.length, 0) === header.length) ids.set(segment, keyIdOf(header))
    } finally {
      closeSync(fd)
    }
  }
  return ids
}

/** In the order in which they were begun. `onOdd` hears of what has the name of a segment and must not be opened. */
function listSegments(folder: string, onOdd: (oddity: string) => void): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name.endsWith(SUFFIX))
    .filter((entry) => {
      const oddity = oddityOf(entry, join(folder, entry.name))
      if (oddity !== undefined) onOdd(oddity)
      return oddity === undefined
    })
    .map(({ name }) => name.slice(0, -SUFFIX.length))
    .sort()
}

/**
 * What is wrong with a file that must not be read as a segment (opening a named pipe would wait for ever); else
 * `undefined`.
 */
function oddityOf(entry: Dirent, path: string): string | undefined {
  // bytes that are no UTF-8 become U+FFFD, under which nothing can be opened
  if (entry.isFile() && !entry.name.includes('\ufffd')) return undefined
  let what = 'is no regular file'
  try {
    // a link to a segment that was moved elsewhere is one
    if (statSync(path).isFile()) return undefined
  } catch {
    what = 'leads nowhere'
  }
  return `${path} ${what} and is left out: move it away`
}

/** Opens without waiting, because the file may have become a named pipe since it was listed. */
const openSegment = (folder: string, segment: string): number =>
  openSync(segmentPath(folder, segment), constants.O_RDONLY | constants.O_NONBLOCK)

export const segmentPath = (folder: string, segment: string): string => join(folder, segment + SUFFIX)

/** Bytes of a segment on disk; 0 where it is gone. */
export function segmentSize(folder: string, segment: string): number {
  return statSync(segmentPath(folder, segment), { throwIfNoEntry: false })?.size ?? 0
}
