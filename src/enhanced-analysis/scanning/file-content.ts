import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/** For reading a transcript: a named pipe that has taken its place must not be waited for. */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

const CHUNK_BYTES = 1 << 20
const LINE_FEED = 0x0a

/** The first `to` bytes of a file. */
export interface HashedRange {
  path: string
  to: number
}

/** The hashes of many files, in threads. */
export async function contentHashes(
  ranges: readonly HashedRange[],
  threads = availableParallelism(),
): Promise<string[]> {
  const shares = Array.from({ length: Math.min(Math.max(1, threads), ranges.length) }, () => ({
    bytes: 0,
    of: [] as number[],
  }))
  // the largest first, each to whoever has least
  const bySize = ranges.map((_, i) => i).sort((a, b) => (ranges[b]?.to ?? 0) - (ranges[a]?.to ?? 0))
  for (const i of bySize) {
    const share = shares.reduce((least, one) => (one.bytes < least.bytes ? one : least))
    share.bytes += ranges[i]?.to ?? 0
    share.of.push(i)
  }
  const hashes: string[] = ranges.map(() => '')
  const work = shares.map(async ({ of }) => {
    const found = await inThread(of.map((i) => ranges[i] as HashedRange))
    of.forEach((i, n) => {
      hashes[i] = found[n] ?? ''
    })
  })
  await Promise.all(work)
  return hashes
}

function inThread(ranges: readonly HashedRange[]): Promise<string[]> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(`./hash-worker.${extension}`, import.meta.url), { workerData: ranges })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('a thread ended before it had hashed its files')))
  })
}

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
  const file = await open(path, READ_FLAGS)
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
