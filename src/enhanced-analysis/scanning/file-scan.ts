import { hash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { transcriptKey } from '../../domain/log-name.ts'
import { outranks } from '../../domain/rank.ts'
import { MAX_REFUSAL_PLACES, type RefusalReason } from '../../domain/refusal.ts'
import type { LogNaming, TranscriptFile, TranscriptReader, TranscriptSink } from '../../transcripts/format.ts'
import { formatOf } from '../../transcripts/format-of.ts'
import { addTitles, type FoundTitle } from '../../transcripts/title.ts'
import type { TokenCopy } from '../../transcripts/token-copy.ts'
import {
  columnsOf,
  encodeFileUpdate,
  type FileUpdateHeader,
  type Fingerprint,
  type RefusedByReason,
} from '../table/file-update.ts'
import { READ_FLAGS } from './file-content.ts'
import { hashLine, readLine, readRange } from './read-again.ts'

/** A file to read, and what is known of it. */
export interface ScanJob {
  /** `device:inode` of the file that was seen there. */
  key: string
  path: string
  root: string
  relativePath: string
  format?: string | undefined
  /** Bytes counted before; 0 reads the whole file. */
  from: number
  /** What the counted bytes must still look like; absent when `from` is 0. */
  fingerprint?: Fingerprint
}

/** How reading a file ended. `gone`: it vanished, or another stands there; `changed`: it shrank while it was read. */
export type ScanOutcome = 'counted' | 'gone' | 'changed'

export interface ScanSink {
  /** An encoded `FileUpdate`; several for a large file, in order. */
  update(encoded: ArrayBuffer): void
  /** Bytes read since the last call. */
  progress(bytes: number): void
}

/** What opening says where the file is not there any more: also a socket, or a link in a circle, in its place. */
const GONE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ENXIO', 'ELOOP'])
const EDGE_BYTES = 4096
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
/** Winners that are held before they are handed over: what bounds the memory of a scan. */
const MAX_HELD_WINNERS = 8192
/** Characters of their models that are held: all of an update are one string at last. */
const MAX_HELD_TEXT = 16 << 20

/** Reads what a transcript has beyond the counted bytes, or the whole of it if it is not the file that was counted. */
export function scanFile(job: ScanJob, reader: TranscriptReader, sink: ScanSink): ScanOutcome {
  let fd: number
  try {
    fd = openSync(job.path, READ_FLAGS)
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code)) return 'gone'
    throw error
  }
  try {
    const stat = fstatSync(fd, { bigint: true })
    // a name that was given to something else may have its number, too
    if (transcriptKey(stat) !== job.key || !stat.isFile()) return 'gone'
    const size = Number(stat.size)
    const known = job.fingerprint !== undefined && job.from <= size && matches(fd, job.fingerprint)
    const from = known ? job.from : 0
    const range = createRange(fd, job, from, size, String(stat.mtimeNs), sink)
    readLines(fd, from, size, reader, range, sink)
    if (fstatSync(fd).size < size) return 'changed'
    range.end()
    return 'counted'
  } finally {
    closeSync(fd)
  }
}

/** Feeds the bytes from `from` to `size` through the reader into the range. */
function readLines(
  fd: number,
  from: number,
  size: number,
  reader: TranscriptReader,
  range: Range,
  sink: ScanSink,
): void {
  let position = from
  reader.begin(from, range.file, range.lines)
  while (position < size) {
    const input = reader.input()
    const wanted = Math.min(input.length, size - position)
    let length = readSync(fd, input, 0, wanted, position)
    if (length === 0) break
    position += length
    sink.progress(length)
    if (position === length && BYTE_ORDER_MARK.equals(input.subarray(0, 3))) {
      reader.begin(BYTE_ORDER_MARK.length, range.file, range.lines)
      input.copyWithin(0, BYTE_ORDER_MARK.length, length)
      length -= BYTE_ORDER_MARK.length
    }
    reader.push(length)
    range.reached(reader.lineOffset())
  }
  range.reached(reader.lineOffset())
  range.beginTail()
  reader.finish()
}

interface Range {
  file: TranscriptFile
  /** What its lines give goes here. */
  lines: TranscriptSink
  /** All lines that begin before this offset were handed over. */
  reached: (offset: number) => void
  /** What follows comes from a last line without a line feed. */
  beginTail: () => void
  end: () => void
}

/** What was found in a part of a range and is not handed over yet. */
interface Held {
  winners: Map<string, TokenCopy>
  copies: number
  /** Characters of the models. */
  text: number
  refused: RefusedByReason
  titles: Map<string, FoundTitle>
}

const nothingHeld = (): Held => ({ winners: new Map(), copies: 0, text: 0, refused: {}, titles: new Map() })

function hold(held: Held, copy: TokenCopy): void {
  held.copies++
  held.text += copy.model.length
  const best = held.winners.get(copy.identity)
  if (best === undefined || outranks(copy, best)) held.winners.set(copy.identity, copy)
}

/** Collects the winners of a byte range and hands them over, in one update or, for a long range, in several. */
function createRange(
  fd: number,
  job: ScanJob,
  rangeFrom: number,
  size: number,
  modifiedNs: string,
  sink: ScanSink,
): Range {
  const format = formatOf(job)
  const naming = format.nameLog(job.relativePath)
  let from = rangeFrom
  let to = rangeFrom
  let body = nothingHeld()
  let tail = nothingHeld()
  /** Where what comes next belongs: `body` or `tail`. */
  let held = body
  let usesStem = false

  const handOver = (sizeSeen: number, more: boolean): void => {
    const bytes = {
      size: sizeSeen,
      modifiedNs,
      from,
      to,
      ...(more ? { more } : { leaf: format.leafIn?.(readRange(fd, Math.max(0, size - EDGE_BYTES), size).toString()) }),
      fingerprint: takeFingerprint(fd, to),
    }
    sink.update(encodeUpdate(job, bytes, body, tail, usesStem))
    from = to
    body = nothingHeld()
    tail = nothingHeld()
    held = body
  }

  return {
    file: {
      naming: trackStem(naming, () => (usesStem = true)),
      lineHash: (offset) => hashLine(fd, offset, size),
      line: (offset, maxBytes) => readLine(fd, offset, Math.min(size, offset + maxBytes)),
    },
    lines: {
      copy: (copy) => hold(held, copy),
      refuse: (reason, offset) => refuse(held.refused, reason, offset),
      title: (found) => void addTitles(held.titles, [found]),
    },
    reached(offset) {
      to = offset
      // with the size so far, so that a crash after this part does not make it the whole
      if (body.winners.size >= MAX_HELD_WINNERS || body.text >= MAX_HELD_TEXT) handOver(to, true)
    },
    beginTail() {
      held = tail
    },
    end: () => handOver(size, false),
  }
}

type BytesRead = Pick<FileUpdateHeader, 'size' | 'modifiedNs' | 'from' | 'to' | 'fingerprint' | 'leaf'>

function encodeUpdate(job: ScanJob, bytes: BytesRead, body: Held, tail: Held, usesStem: boolean): ArrayBuffer {
  const { texts, records } = columnsOf([...body.winners.values(), ...tail.winners.values()])
  const { key, path, root, relativePath } = job
  const header: FileUpdateHeader = {
    key,
    path,
    root,
    relativePath,
    ...bytes,
    copies: body.copies,
    refused: body.refused,
    tail: { copies: tail.copies, records: tail.winners.size, refused: tail.refused, titles: listed(tail.titles) },
    titles: listed(body.titles),
    usesStem,
    texts,
  }
  return encodeFileUpdate(header, records)
}

const listed = (titles: ReadonlyMap<string, FoundTitle>): FoundTitle[] | undefined =>
  titles.size === 0 ? undefined : [...titles.values()]

/** A naming that notes when a line's session is taken from the file's stem. */
function trackStem(naming: LogNaming, onUse: () => void): LogNaming {
  return {
    ...naming,
    get stem() {
      onUse()
      return naming.stem
    },
  }
}

function refuse(refused: RefusedByReason, reason: RefusalReason, offset: number): void {
  refused[reason] ??= { count: 0, offsets: [] }
  const entry = refused[reason]
  entry.count++
  if (entry.offsets.length < MAX_REFUSAL_PLACES) entry.offsets.push(offset)
}

function takeFingerprint(fd: number, counted: number): Fingerprint {
  const first = readRange(fd, 0, Math.min(counted, EDGE_BYTES))
  const last = readRange(fd, Math.max(0, counted - EDGE_BYTES), counted)
  return { counted, sha256: hash('sha256', Buffer.concat([first, last]), 'hex') }
}

/** Whether the file at a path is the one that a fingerprint was taken of. */
export function hasFingerprint(path: string, key: string, fingerprint: Fingerprint): boolean {
  let fd: number
  try {
    fd = openSync(path, READ_FLAGS)
  } catch {
    return false
  }
  try {
    const stat = fstatSync(fd, { bigint: true })
    if (transcriptKey(stat) !== key || Number(stat.size) < fingerprint.counted) return false
    return matches(fd, fingerprint)
  } finally {
    closeSync(fd)
  }
}

function matches(fd: number, fingerprint: Fingerprint): boolean {
  return takeFingerprint(fd, fingerprint.counted).sha256 === fingerprint.sha256
}
