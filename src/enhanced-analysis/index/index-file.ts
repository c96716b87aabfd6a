import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { makeFolder } from '../../make-folder.ts'
import { NUMBER_COLUMNS } from '../table/file-update.ts'

/**
 * The incremental index on disk: an append-only file of frames, each one change to what is known of the
 * transcripts. It is a cache of counting work, never believed against evidence: a torn end is cut off;
 * damage anywhere else, or another format or counting version, empties it and everything is counted anew.
 */
export interface IndexFile {
  append(kind: FrameKind, payload: ArrayBuffer | Uint8Array): void
  /** Replaces all frames by those that `write` appends; atomic. */
  rewrite(write: (append: IndexFile['append']) => void): void
  /** Size in bytes. */
  size(): number
  close(): void
}

/** What a frame holds: an encoded `FileUpdate`, or the JSON of a file that is forgotten, renamed or digested. */
export type FrameKind = 'update' | 'forget' | 'rename' | 'digest'

/** `fresh`: there was none; `loaded`; `cut`: loaded without a torn last frame; `rebuilt`: damaged or of another version. */
export type IndexState = 'fresh' | 'loaded' | 'cut' | 'rebuilt'

export type FrameReader = (kind: FrameKind, buffer: ArrayBuffer, start: number, length: number) => void

/** Raise it when the layout changes otherwise than by the columns of records. */
const INDEX_FORMAT_VERSION = 3
/** Raise it when a rule, or the reading of one, changes: everything is counted anew. */
const COUNTING_VERSION = 3

const KINDS: readonly FrameKind[] = ['update', 'forget', 'rename', 'digest']
const MAGIC = 0x58494254 // TBIX
const FILE_HEADER_BYTES = 16
const FRAME_HEADER_BYTES = 16
const WINDOW_BYTES = 8 << 20

/**
 * Opens or creates the index and hands each frame to `read`. `reset` is called before the frames are
 * handed out anew or dropped: what was read until then is void. Frame layout, little-endian, aligned to
 * 8 bytes: u32 kind, u32 length of the payload, u32 CRC-32 of the payload, u32 CRC-32 of these three.
 */
export function openIndexFile(
  path: string,
  read: FrameReader,
  reset: () => void,
): { index: IndexFile; state: IndexState } {
  makeFolder(dirname(path))
  let fd = openSync(path, 'a+', 0o600)
  const stat = fstatSync(fd)
  if (!stat.isFile()) {
    closeSync(fd)
    throw new Error(`${path} is no regular file`)
  }
  let { size } = stat
  let state: IndexState = 'fresh'
  if (size > 0) {
    let end: number | undefined
    try {
      end = readFrames(fd, size, read)
    } catch {
      // a frame whose checksum holds, but that does not follow on the one before
      end = undefined
    }
    state = end === undefined ? 'rebuilt' : end < size ? 'cut' : 'loaded'
    if (end === undefined) reset()
    size = end ?? 0
    ftruncateSync(fd, size)
  }
  if (size === 0) size += writeAll(fd, fileHeader())

  const appendTo =
    (target: () => number): IndexFile['append'] =>
    (kind, payload) => {
      const bytes = payload instanceof Uint8Array ? payload : new Uint8Array(payload)
      size += writeAll(target(), Buffer.concat([frameHeader(kind, bytes), bytes, Buffer.alloc(padding(bytes.length))]))
    }
  const index: IndexFile = {
    append: appendTo(() => fd),
    rewrite(write) {
      const temporary = openSync(`${path}.new`, 'w', 0o600)
      size = writeAll(temporary, fileHeader())
      write(appendTo(() => temporary))
      renameSync(`${path}.new`, path)
      closeSync(fd)
      fd = temporary
    },
    size: () => size,
    close: () => closeSync(fd),
  }
  return { index, state }
}

/** Reads an index that another process writes. Returns false where what was read is void. */
export function readIndexFile(path: string, read: FrameReader): boolean {
  let fd: number
  try {
    // a named pipe would be waited for
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    // the other has just begun
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
  try {
    return readFrames(fd, fstatSync(fd).size, read) !== undefined
  } catch {
    return false
  } finally {
    closeSync(fd)
  }
}

/** Returns the offset behind the last whole frame; `undefined` where the file cannot be believed. */
function readFrames(fd: number, size: number, read: FrameReader): number | undefined {
  const window = createWindow(fd, size)
  if (size < FILE_HEADER_BYTES) return 0
  const head = window.at(0, FILE_HEADER_BYTES)
  if (!Buffer.from(window.buffer(), head, FILE_HEADER_BYTES).equals(fileHeader())) return undefined
  let offset = FILE_HEADER_BYTES
  while (offset < size) {
    if (offset + FRAME_HEADER_BYTES > size) return offset
    const headerAt = window.at(offset, FRAME_HEADER_BYTES)
    const header = Buffer.from(window.buffer(), headerAt, FRAME_HEADER_BYTES)
    if (crc32(header.subarray(0, 12)) !== header.readUInt32LE(12)) return undefined
    const length = header.readUInt32LE(4)
    const next = offset + FRAME_HEADER_BYTES + length + padding(length)
    if (next > size) return offset
    const kind = KINDS[header.readUInt32LE(0)]
    const crc = header.readUInt32LE(8)
    const at = window.at(offset + FRAME_HEADER_BYTES, length)
    // a wrong checksum in the last frame is a torn write; anywhere else it is damage
    if (crc32(new Uint8Array(window.buffer(), at, length)) !== crc) return next === size ? offset : undefined
    if (kind === undefined) return undefined
    read(kind, window.buffer(), at, length)
    offset = next
  }
  return offset
}

/** A part of the file in memory that moves along; positions stay aligned to 8 bytes. */
function createWindow(fd: number, size: number): { at(offset: number, length: number): number; buffer(): ArrayBuffer } {
  let buffer = new ArrayBuffer(Math.min(WINDOW_BYTES, size + 16))
  let start = 0
  let end = 0
  return {
    at(offset, length) {
      if (offset < start || offset + length > end) {
        if (length > buffer.byteLength) buffer = new ArrayBuffer(length + WINDOW_BYTES)
        start = offset
        end = offset
        const wanted = Math.min(buffer.byteLength, size - offset)
        while (end - start < wanted) {
          const n = readSync(fd, new Uint8Array(buffer), end - start, wanted - (end - start), end)
          if (n === 0) break
          end += n
        }
      }
      return offset - start
    },
    buffer: () => buffer,
  }
}

/** A number for the layout of an index whose records have these columns. */
export const layoutOf = (columns: readonly string[]): number => crc32(`${INDEX_FORMAT_VERSION} ${columns.join(' ')}`)

function fileHeader(): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt32LE(layoutOf(NUMBER_COLUMNS), 4)
  header.writeUInt32LE(COUNTING_VERSION, 8)
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12)
  return header
}

function frameHeader(kind: FrameKind, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES)
  header.writeUInt32LE(KINDS.indexOf(kind), 0)
  header.writeUInt32LE(payload.length, 4)
  header.writeUInt32LE(crc32(payload), 8)
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12)
  return header
}

const padding = (length: number): number => (8 - (length % 8)) % 8

function writeAll(fd: number, bytes: Buffer): number {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
  return bytes.length
}
