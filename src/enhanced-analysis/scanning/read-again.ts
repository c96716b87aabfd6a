// Reads a part of an open file once more: the scanner keeps nothing of what it has passed.
import { createHash } from 'node:crypto'
import { readSync } from 'node:fs'

export function readRange(fd: number, from: number, to: number): Buffer {
  const buffer = Buffer.alloc(to - from)
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, from))
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** The line at `offset` without its line feed, as far as it goes before `end`. */
export function readLine(fd: number, offset: number, end: number): string {
  const bytes = readRange(fd, offset, end)
  const lineFeed = bytes.indexOf(LINE_FEED)
  return bytes.toString('utf8', 0, lineFeed < 0 ? bytes.length : lineFeed)
}

/** SHA-256 of the line at `offset`, without its line ending, read again in pieces: lines may be long. */
export function hashLine(fd: number, offset: number, size: number): string {
  const digest = createHash('sha256')
  const piece = Buffer.alloc(65_536)
  let held: Buffer = Buffer.alloc(0)
  for (let at = offset; at < size; ) {
    const length = readSync(fd, piece, 0, Math.min(piece.length, size - at), at)
    if (length === 0) break
    at += length
    const bytes = Buffer.concat([held, piece.subarray(0, length)])
    const end = bytes.indexOf(LINE_FEED)
    if (end >= 0) {
      held = bytes.subarray(0, end)
      break
    }
    // a carriage return at the end of a piece may belong to the line ending
    digest.update(bytes.subarray(0, -1))
    held = bytes.subarray(-1)
  }
  digest.update(held.at(-1) === CARRIAGE_RETURN ? held.subarray(0, -1) : held)
  return digest.digest('hex')
}
