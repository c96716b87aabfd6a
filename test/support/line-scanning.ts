import fc from 'fast-check'
import {
  createLineScanner,
  type LastLine,
  type ScannedLine,
} from '../../src/transcripts/claude-code/line-scanner/line-scanner.ts'

export const scanner = createLineScanner()

export type Found =
  | { offset: number; malformed: true }
  | { offset: number; title: true }
  | { offset: number; projection: unknown }

/** What is kept of a line after it was handed out. */
export const keep = (line: ScannedLine): Found => {
  const { offset } = line
  if (line.kind === 'malformed') return { offset, malformed: true }
  return line.kind === 'title' ? { offset, title: true } : { offset, projection: line.projection() }
}

/** Scans bytes that arrive in chunks of the given size. */
export function scan(bytes: Buffer, chunk = 1 << 20): { lines: Found[]; last: LastLine } {
  const lines: Found[] = []
  const last = scanEach(bytes, chunk, (line) => void lines.push(keep(line)))
  return { last, lines }
}

export function scanEach(bytes: Buffer, chunk: number, onLine: (line: ScannedLine) => void): LastLine {
  scanner.begin(0)
  for (let at = 0; at < bytes.length; at += chunk) {
    const piece = bytes.subarray(at, at + chunk)
    scanner.input().set(piece)
    scanner.push(piece.length, onLine)
  }
  return scanner.finish(onLine)
}

/** Sizes at which chunks are cut in the middle of everything. */
export const chunkSize = fc.constantFrom(1, 2, 3, 7, 16, 17, 64, 1 << 20)
