import { closeSync, fsyncSync, openSync, readdirSync, readSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { BridgeError } from '../domain/errors.ts'
import { type Line, MAX_LINE_BYTES, parseLine } from './line.ts'

const FILE = /^(\d{15})\.jsonl$/
const NEW_LINE = 0x0a

/** A file of entries; its name is the position of its first one. */
export interface AuditFile {
  path: string
  first: number
  size: number
}

export const auditPath = (folder: string, first: number): string =>
  join(folder, `${String(first).padStart(15, '0')}.jsonl`)

/**
 * The files of a folder in the order of the chain. Throws STORAGE_UNAVAILABLE, with its path, where something else has
 * the name of one.
 */
export function auditFiles(folder: string): AuditFile[] {
  return readdirSync(folder)
    .filter((name) => FILE.test(name))
    .sort()
    .map((name) => {
      const path = join(folder, name)
      return { path, first: Number(FILE.exec(name)?.[1]), size: requireFile(path).size }
    })
}

/** A folder cannot be read as a file, a pipe would be waited for without end. */
export function requireFile(path: string): Stats {
  const found = statSync(path)
  if (!found.isFile())
    throw new BridgeError(
      'STORAGE_UNAVAILABLE',
      `${path} is no file, and stands where one of the audit log is: move it away`,
    )
  return found
}

/** What a file ends in. */
export interface Tail {
  /** The last whole line; `undefined` where there is none, or it is no entry. */
  line: Line | undefined
  /** Bytes of an entry that was not written to its end. */
  unfinished: number
}

export function tailOf({ path, size }: Pick<AuditFile, 'path' | 'size'>): Tail {
  const bytes = readPart(path, Math.max(0, size - 2 * MAX_LINE_BYTES), size)
  const end = bytes.lastIndexOf(NEW_LINE)
  const unfinished = bytes.length - end - 1
  if (end === -1) return { line: undefined, unfinished }
  const begin = end === 0 ? 0 : bytes.lastIndexOf(NEW_LINE, end - 1) + 1
  return { line: parseLine(bytes.subarray(begin, end)), unfinished }
}

export function readPart(path: string, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(to - from)
  const file = openSync(path, 'r')
  try {
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from))
  } finally {
    closeSync(file)
  }
}

/** Lines without their ends, and what stands behind the last end. */
export function splitLines(bytes: Buffer): { lines: Buffer[]; rest: Buffer } {
  const lines: Buffer[] = []
  let from = 0
  for (let at = bytes.indexOf(NEW_LINE); at !== -1; at = bytes.indexOf(NEW_LINE, from)) {
    lines.push(bytes.subarray(from, at))
    from = at + 1
  }
  return { lines, rest: bytes.subarray(from) }
}

/** So that what was made or removed in it is so after a loss of power, too. */
export function syncFolder(folder: string): void {
  const open = openSync(folder, 'r')
  try {
    fsyncSync(open)
  } finally {
    closeSync(open)
  }
}
