import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

const CHUNK_BYTES = 1 << 20
const LINE_FEED = 0x0a

/** SHA-256 of the first `to` bytes of a file, in hexadecimal; empty where there are not so many, or they cannot be read. */
export async function contentHash(path: string, to: number): Promise<string> {
  const hash = createHash('sha256')
  let read = 0
  try {
    for await (const chunk of bytesOf(path, to)) {
      hash.update(chunk)
      read += chunk.length
    }
  } catch {
    return ''
  }
  return read === to ? hash.digest('hex') : ''
}

/** The lines, counted from 1, in which these bytes are; of those that are not there any more, 0. */
export async function linesAt(path: string, positions: readonly number[]): Promise<number[]> {
  const sorted = [...new Set(positions)].sort((a, b) => a - b)
  const lines = new Map<number, number>()
  let line = 1
  let at = 0
  let next = 0
  try {
    for await (const chunk of bytesOf(path, (sorted.at(-1) ?? 0) + 1)) {
      let from = 0
      for (; next < sorted.length && (sorted[next] as number) < at + chunk.length; next++) {
        const position = (sorted[next] as number) - at
        line += lineFeeds(chunk, from, position)
        from = position
        lines.set(sorted[next] as number, line)
      }
      line += lineFeeds(chunk, from, chunk.length)
      at += chunk.length
    }
  } catch {
    // it is gone: nobody can look at its lines
  }
  return positions.map((position) => lines.get(position) ?? 0)
}

/** The first `to` bytes, in one buffer again and again: whoever needs a chunk for longer must copy it. */
async function* bytesOf(path: string, to: number): AsyncGenerator<Buffer> {
  const file = await open(path)
  try {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, to))
    for (let at = 0; at < to; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, to - at), at)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}

function lineFeeds(bytes: Buffer, from: number, to: number): number {
  let count = 0
  for (let at = bytes.indexOf(LINE_FEED, from); at >= 0 && at < to; at = bytes.indexOf(LINE_FEED, at + 1)) count++
  return count
}
