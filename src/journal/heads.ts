import { closeSync, existsSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { makeFolder } from '../make-folder.ts'

/** How far a segment was acknowledged. */
export interface Head {
  /** One past the last acknowledged byte. */
  to: number
  /** Records in the entries before it. */
  records: number
}

/**
 * How far each segment was acknowledged, outside of the journal's folder: by it a segment that was cut, emptied or
 * removed is noticed. A line a segment, overwritten in place before each acknowledgement. It is not fsynced: after a
 * loss of power it may say less than what was acknowledged, never more than what is on disk. Deleting the file makes
 * the next start take what it finds for all there is.
 */
export interface JournalHeads {
  all(): ReadonlyMap<string, Readonly<Head>>
  /** Throws where it cannot be written. */
  set(segment: string, head: Head): void
  close(): void
}

export function openJournalHeads(path: string): JournalHeads {
  makeFolder(dirname(path))
  const { heads, places, ...read } = readHeads(path)
  let { end } = read
  let fd = openSync(path, existsSync(path) ? 'r+' : 'wx+', 0o600)
  const write = (segment: string, head: Head): void => {
    const line = Buffer.from(lineOf(segment, head), 'latin1')
    const at = places.get(segment) ?? end
    for (let written = 0; written < line.length; )
      written += writeSync(fd, line, written, line.length - written, at + written)
    if (!places.has(segment)) {
      places.set(segment, at)
      end = at + line.length
    }
    heads.set(segment, head)
  }

  return {
    all: () => heads,
    set(segment, head) {
      // it was removed: all that is known is written anew
      if (fstatSync(fd).nlink === 0) {
        const anew = openSync(path, 'wx+', 0o600)
        closeSync(fd)
        fd = anew
        places.clear()
        end = 0
        for (const [known, at] of [...heads]) if (known !== segment) write(known, at)
      }
      write(segment, head)
    },
    close: () => closeSync(fd),
  }
}

/** How far each segment was acknowledged, as a file says now; where each line of it begins, and where the last ends. */
export function readHeads(path: string): { heads: Map<string, Head>; places: Map<string, number>; end: number } {
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
  const heads = new Map<string, Head>()
  const places = new Map<string, number>()
  let end = 0
  while (end < bytes.length) {
    const next = bytes.indexOf(0x0a, end)
    // a line that was being appended when the process was killed
    if (next < 0) break
    const known = parseLine(bytes.toString('latin1', end, next))
    if (known !== undefined) {
      heads.set(known.segment, known.head)
      places.set(known.segment, end)
    }
    end = next + 1
  }
  return { heads, places, end }
}

/** The same length for every head of a segment: it is overwritten in place. */
export function lineOf(segment: string, { to, records }: Head): string {
  const text = `${segment} ${String(to).padStart(16, '0')} ${String(records).padStart(16, '0')}`
  return `${text} ${checksum(text)}\n`
}

/** `undefined` where the line is damaged. Without its end. */
export function parseLine(line: string): { segment: string; head: Head } | undefined {
  const match = /^((\S+) (\d{16}) (\d{16})) ([0-9a-f]{8})$/.exec(line)
  if (match === null || checksum(match[1] as string) !== match[5]) return undefined
  return { segment: match[2] as string, head: { to: Number(match[3]), records: Number(match[4]) } }
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0')
