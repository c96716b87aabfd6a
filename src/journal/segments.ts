import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeFrame } from './frame.ts'
import type { JournalKey } from './key.ts'

const SUFFIX = '.journal'
/** Read at once; a frame is always smaller. */
const WINDOW_BYTES = 32 << 20

/** Bytes of a segment that are no entry, copied to the folder `quarantine`. */
export interface Damage {
  segment: string
  from: number
  to: number
  reason: string
}

export type EntryReader = (plain: Buffer, segment: string, from: number, to: number) => void

/** Reads the segments of a folder, each from where it was left; those that other instances write, too. */
export interface SegmentReader {
  /** Reads what is new, in the order of the segments' names. */
  read(except: ReadonlySet<string>): void
  damage(): readonly Damage[]
  /** Bytes at the end of segments that are no whole entry: torn by a crash, or being written. */
  unfinishedBytes(): number
}

export function createSegmentReader(folder: string, key: JournalKey, onEntry: EntryReader): SegmentReader {
  const offsets = new Map<string, number>()
  const unfinished = new Map<string, number>()
  const damage: Damage[] = []

  const quarantine = (segment: string, from: number, to: number, reason: string, bytes: Buffer): void => {
    const last = damage.at(-1)
    // what follows on damage is the same damage
    if (last !== undefined && last.segment === segment && last.to === from) last.to = to
    else damage.push({ segment, from, to, reason })
    mkdirSync(join(folder, 'quarantine'), { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, 'quarantine', `${segment}-${from}.bin`), bytes, { mode: 0o600 })
  }

  const readSegment = (segment: string): void => {
    const fd = openSync(join(folder, segment + SUFFIX), 'r')
    try {
      let base = offsets.get(segment) ?? 0
      const { size } = fstatSync(fd)
      while (base < size) {
        const bytes = Buffer.alloc(Math.min(WINDOW_BYTES, size - base))
        const length = readSync(fd, bytes, 0, bytes.length, base)
        const window = bytes.subarray(0, length)
        const end = readWindow(window, base, segment)
        if (end === 0) break
        base += end
        offsets.set(segment, base)
      }
      unfinished.set(segment, size - base)
    } finally {
      closeSync(fd)
    }
  }

  /** Returns how many bytes were read. */
  const readWindow = (window: Buffer, base: number, segment: string): number => {
    for (let at = 0; ; ) {
      const frame = decodeFrame(window, at, base, key, segment)
      if (frame.kind === 'unfinished') return at
      if (frame.kind === 'damaged')
        quarantine(segment, base + at, base + frame.end, frame.reason, window.subarray(at, frame.end))
      else onEntry(frame.plain, segment, base + at, base + frame.end)
      at = frame.end
    }
  }

  return {
    read(except) {
      for (const segment of listSegments(folder)) if (!except.has(segment)) readSegment(segment)
    },
    damage: () => damage,
    unfinishedBytes: () => [...unfinished.values()].reduce((sum, bytes) => sum + bytes, 0),
  }
}

/** In the order in which they were begun. */
function listSegments(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .sort()
}

export const segmentPath = (folder: string, segment: string): string => join(folder, segment + SUFFIX)
