import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes one transcript and knows the byte offset of each line. */
export interface TranscriptWriter {
  readonly path: string
  /** Appends a line and returns the offset of its first byte. `ending` is what stands after it. */
  line(text: string | Buffer, ending?: '\n' | '\r\n' | ''): number
  /** Bytes written so far. */
  size(): number
  close(): void
}

const FLUSH_BYTES = 1 << 20

export function openTranscript(path: string, byteOrderMark: boolean): TranscriptWriter {
  mkdirSync(dirname(path), { recursive: true })
  const fd = openSync(path, 'w')
  let pending: Buffer[] = []
  let pendingBytes = 0
  let size = 0
  const flush = (): void => {
    const bytes = Buffer.concat(pending)
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    pending = []
    pendingBytes = 0
  }
  const append = (bytes: Buffer): void => {
    pending.push(bytes)
    pendingBytes += bytes.length
    size += bytes.length
    if (pendingBytes >= FLUSH_BYTES) flush()
  }
  if (byteOrderMark) append(Buffer.from([0xef, 0xbb, 0xbf]))
  return {
    path,
    line(text, ending = '\n') {
      const offset = size
      append(typeof text === 'string' ? Buffer.from(text, 'utf8') : text)
      append(Buffer.from(ending))
      return offset
    },
    size: () => size,
    close() {
      flush()
      closeSync(fd)
    },
  }
}
