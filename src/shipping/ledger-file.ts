import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { makeFolder } from '../make-folder.ts'

/** Lines of JSON on disk, each with its checksum, each fsynced before `append` returns. */
export interface LedgerFile {
  append(entry: unknown): void
  /** Replaces all lines by these; atomic. */
  rewrite(entries: readonly unknown[]): void
  /** In bytes. */
  size(): number
  close(): void
}

/** A ledger that cannot be believed: something in it was changed. */
export class LedgerDamagedError extends Error {
  readonly code = 'LEDGER_DAMAGED'
  constructor(path: string, line: number) {
    super(
      `${path} is damaged at line ${line}: move it away and start again; everything is then shipped anew and counted once`,
    )
    this.name = 'LedgerDamagedError'
  }
}

/** Opens or creates the file and hands over each entry. A torn last line is cut off; other damage throws. */
export function openLedgerFile(path: string, read: (entry: unknown) => void): LedgerFile {
  makeFolder(dirname(path))
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
  const end = readLines(path, bytes, read)
  let fd = openSync(path, 'a', 0o600)
  let size = end
  /** A part of a line stands at the end: nothing may follow it. */
  let isTorn = end < bytes.length
  const cutTorn = (): void => {
    if (!isTorn) return
    ftruncateSync(fd, size)
    fdatasyncSync(fd)
    isTorn = false
  }
  cutTorn()
  return {
    append(entry) {
      cutTorn()
      isTorn = true
      try {
        const written = writeLine(fd, entry)
        fdatasyncSync(fd)
        size += written
        isTorn = false
      } finally {
        // a disk that is full took a part of it; where even this fails, the next one begins with it
        attempt(cutTorn)
      }
    },
    rewrite(entries) {
      const next = openSync(`${path}.new`, 'w', 0o600)
      let written: number
      try {
        written = entries.reduce((sum: number, entry) => sum + writeLine(next, entry), 0)
        fdatasyncSync(next)
      } finally {
        closeSync(next)
      }
      renameSync(`${path}.new`, path)
      const before = fd
      fd = openSync(path, 'a', 0o600)
      closeSync(before)
      ;[size, isTorn] = [written, false]
      syncFolder(dirname(path))
    },
    size: () => size,
    close: () => closeSync(fd),
  }
}

function attempt(run: () => void): void {
  try {
    run()
  } catch {
    // what failed before is thrown
  }
}

/** Hands over each entry of a file that is only read: a torn last line is passed over. Throws as `openLedgerFile` does. */
export function readLedgerFile(path: string, read: (entry: unknown) => void): void {
  readLines(path, readFileSync(path), read)
}

function writeLine(fd: number, entry: unknown): number {
  const json = Buffer.from(JSON.stringify(entry))
  const line = Buffer.concat([Buffer.from(`${checksum(json)} `), json, Buffer.from('\n')])
  for (let at = 0; at < line.length; ) at += writeSync(fd, line, at)
  return line.length
}

/** So that the new name survives a power loss. */
function syncFolder(path: string): void {
  const fd = openSync(path, 'r')
  fsyncSync(fd)
  closeSync(fd)
}

/** Returns one past the last whole line. */
function readLines(path: string, bytes: Buffer, read: (entry: unknown) => void): number {
  let number = 0
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf(0x0a, at)
    // a line without its end was being written when the process was killed
    if (end < 0) return at
    number++
    const json = bytes.subarray(at + 9, end)
    if (bytes.toString('latin1', at, at + 8) !== checksum(json)) {
      if (end + 1 === bytes.length) return at
      throw new LedgerDamagedError(path, number)
    }
    readLine(path, number, json, read)
    at = end + 1
  }
  return at
}

/** A line that nobody can read is damage, though its checksum holds. */
function readLine(path: string, number: number, json: Buffer, read: (entry: unknown) => void): void {
  try {
    read(JSON.parse(json.toString('utf8')))
  } catch (error) {
    // `read` tells what it refuses by a code
    if ('code' in (error as Error)) throw error
    throw new LedgerDamagedError(path, number)
  }
}

const checksum = (json: Uint8Array): string => crc32(json).toString(16).padStart(8, '0')
