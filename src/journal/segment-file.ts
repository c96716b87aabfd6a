import { randomBytes } from 'node:crypto'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { tellMoment } from '../ports/moments.ts'
import { encodeFrame } from './frame.ts'
import type { Head } from './heads.ts'
import type { JournalKey } from './key.ts'
import { segmentPath } from './segments.ts'

/** A new segment is begun when one has this many bytes. */
const MAX_SEGMENT_BYTES = 64 << 20

export interface WrittenFrame {
  segment: string
  from: number
  to: number
}

/** What is to be a frame, and how many records it holds. */
export interface UnwrittenFrame {
  plain: Buffer
  records: number
}

export interface SegmentFilesOptions {
  folder: string
  key: JournalKey
  /** Is told up to where a segment is on disk, before that is acknowledged. Where it throws, nothing is. */
  onAcknowledged: (segment: string, head: Head) => void
  /** Is told of each segment before it exists, and where it did not come to be. */
  onBegin: (segment: string) => void
  onFailed: (segment: string) => void
}

/** The segments that this process writes, one after the other. One call at a time. */
export interface SegmentFiles {
  /** Settles when all of these frames are on disk, and their segment's head says so. */
  write(frames: readonly UnwrittenFrame[]): Promise<WrittenFrame[]>
  /**
   * Cuts the segment back to its last fsync, and writes to it no more: after a failed write nobody knows what is on
   * disk.
   */
  abandon(): Promise<void>
  close(): Promise<void>
}

interface OpenSegment {
  handle: FileHandle
  segment: string
  size: number
  records: number
}

export function createSegmentFiles(options: SegmentFilesOptions): SegmentFiles {
  const { folder, key, onAcknowledged } = options
  let current: OpenSegment | undefined

  const write = async (frames: readonly UnwrittenFrame[], into: OpenSegment): Promise<WrittenFrame[]> => {
    const { handle, segment, size } = into
    let to = size
    const parts = frames.map(({ plain }) => {
      const bytes = encodeFrame(plain, key, segment, to)
      to += bytes.length
      return { bytes, frame: { segment, from: to - bytes.length, to } }
    })
    const bytes = Buffer.concat(parts.map((part) => part.bytes))
    tellMoment('journal frame', 'before')
    for (let at = 0; at < bytes.length; )
      at += (await handle.write(bytes, at, bytes.length - at, size + at)).bytesWritten
    await handle.datasync()
    tellMoment('journal frame', 'after')
    await stillThere(handle, segmentPath(folder, segment))
    const records = frames.reduce((sum, one) => sum + one.records, into.records)
    tellMoment('journal head', 'before')
    onAcknowledged(segment, { to, records })
    tellMoment('journal head', 'after')
    Object.assign(into, { size: to, records })
    return parts.map((part) => part.frame)
  }

  return {
    async write(frames) {
      if (current !== undefined && current.size >= MAX_SEGMENT_BYTES) {
        await current.handle.close()
        current = undefined
      }
      current ??= await begin(options)
      return write(frames, current)
    },
    async abandon() {
      const left = current
      current = undefined
      await left?.handle.truncate(left.size).catch(() => undefined)
      await left?.handle.close().catch(() => undefined)
    },
    async close() {
      await current?.handle.close()
      current = undefined
    },
  }
}

/** Each start writes a segment of its own, so that instances that share the folder never meet. */
async function begin({ folder, onBegin, onFailed }: SegmentFilesOptions): Promise<OpenSegment> {
  const segment = `${String(Date.now()).padStart(15, '0')}-${randomBytes(4).toString('hex')}`
  onBegin(segment)
  const handle = await open(segmentPath(folder, segment), 'wx', 0o600).catch((error: Error) => {
    onFailed(segment)
    throw error
  })
  const directory = await open(folder, 'r')
  await directory.sync()
  await directory.close()
  return { handle, segment, size: 0, records: 0 }
}

/** Throws where the file was removed or renamed while it was open: what is written to it cannot be found again. */
async function stillThere(handle: FileHandle, path: string): Promise<void> {
  const [open, named] = await Promise.all([handle.stat(), stat(path)])
  if (open.ino !== named.ino || open.dev !== named.dev) throw new Error(`${path} was removed or replaced`)
}
