import { setImmediate } from 'node:timers/promises'
import { type AuditFile, auditFiles, readPart, splitLines } from './files.ts'
import { type Line, parseLine } from './line.ts'

const CHUNK = 256 << 10
const NEW_LINE = 0x0a

/** The entries of a folder from its end, the latest first; others have their turns in between. */
export async function* entriesBackwards(folder: string, before: (file: AuditFile) => boolean): AsyncIterable<Line> {
  for (const file of auditFiles(folder).filter(before).reverse())
    for (const lines of chunksBackwards(file)) {
      for (const bytes of lines.reverse()) {
        const line = parseLine(bytes)
        if (line !== undefined) yield line
      }
      await setImmediate()
    }
}

function* chunksBackwards({ path, size }: AuditFile): Iterable<Buffer[]> {
  let rest: Buffer = Buffer.alloc(0)
  for (let to = size; to > 0; ) {
    const from = Math.max(0, to - CHUNK)
    const bytes = Buffer.concat([readPart(path, from, to), rest])
    // the first line of a chunk begins in the one before it
    const begin = from === 0 ? 0 : bytes.indexOf(NEW_LINE) + 1
    rest = bytes.subarray(0, begin)
    yield splitLines(bytes.subarray(begin)).lines
    to = from
  }
}

/** Reads a chain forwards, as it grows. */
export interface LinesAfter {
  /** Some of the lines behind that position, in order; none where there are no more. */
  read(position: number): Line[]
}

export function createLinesAfter(folder: string): LinesAfter {
  /** Where the line behind the last one that was read begins. */
  let place: { first: number; offset: number; last: number } | undefined
  return {
    read(position) {
      const files = auditFiles(folder)
      const index = files.findLastIndex(({ first }) => first <= position + 1)
      const file = files[Math.max(0, index)]
      if (file === undefined) return []
      const isOn = place?.first === file.first && place.last === position
      let offset = isOn && place !== undefined ? place.offset : 0
      for (;;) {
        const { lines, rest } = splitLines(readPart(file.path, offset, Math.min(file.size, offset + CHUNK)))
        if (lines.length === 0) return []
        offset += lines.reduce((sum, { length }) => sum + length + 1, 0)
        const found = lines.flatMap((bytes) => parseLine(bytes) ?? []).filter(({ entry }) => entry.position > position)
        const last = found.at(-1)
        if (last === undefined) {
          if (rest.length === 0 && offset >= file.size) return []
          continue
        }
        place = { first: file.first, offset, last: last.entry.position }
        return found
      }
    },
  }
}
