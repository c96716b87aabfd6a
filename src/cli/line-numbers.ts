import { closeSync, constants, openSync, readSync } from 'node:fs'

interface Place {
  path: string
  /** Of the line's first byte. */
  offset: number
}

const CHUNK_BYTES = 1 << 20
const LINE_FEED = 10

/** Finds the line of each place, counted from 1; files are read once, up to their last place. */
export function lineNumbers(places: readonly Place[]): (path: string, offset: number) => number | undefined {
  const found = new Map<string, Map<number, number>>()
  for (const [path, inFile] of Map.groupBy(places, (place) => place.path)) {
    const offsets = [...new Set(inFile.map(({ offset }) => offset))].sort((a, b) => a - b)
    found.set(path, linesOf(path, offsets))
  }
  return (path, offset) => found.get(path)?.get(offset)
}

/** `offsets` rise. */
function linesOf(path: string, offsets: readonly number[]): Map<number, number> {
  const lines = new Map<number, number>()
  let fd: number
  try {
    // a named pipe that took the place of the file would be waited for
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return lines
  }
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    let line = 1
    let at = 0
    for (const offset of offsets) {
      while (at < offset) {
        const read = readSync(fd, chunk, 0, Math.min(CHUNK_BYTES, offset - at), at)
        if (read === 0) return lines
        line += lineFeedsIn(chunk.subarray(0, read))
        at += read
      }
      lines.set(offset, line)
    }
  } catch {
    // what was found is right
  } finally {
    closeSync(fd)
  }
  return lines
}

function lineFeedsIn(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) count++
  return count
}
