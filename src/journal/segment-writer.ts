import { randomBytes } from 'node:crypto'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { tellMoment } from '../ports/moments.ts'
import { encodeFrame } from './frame.ts'
import type { JournalHeads } from './heads.ts'
import type { JournalKey } from './key.ts'
import { segmentPath } from './segments.ts'

/** A new segment is begun when one has this many bytes. */
const MAX_SEGMENT_BYTES = 64 << 20

export interface WrittenFrame {
  segment: string
  from: number
  to: number
}

/** Writes frames with a group commit: what comes while the disk is busy goes out together, with one fsync. */
export interface SegmentWriter {
  /** Settles when the frame, which holds so many records, is on disk. `onWritten` is called before, in the order of the segment. */
  append(plain: Buffer, records: number, onWritten: (frame: WrittenFrame) => void): Promise<WrittenFrame>
  /** Why the last write failed; `undefined` while it works. */
  problem(): string | undefined
  close(): Promise<void>
}

interface Pending {
  plain: Buffer
  records: number
  onWritten: (frame: WrittenFrame) => void
  resolve: (frame: WrittenFrame) => void
  reject: (error: Error) => void
}

export interface SegmentWriterOptions {
  folder: string
  key: JournalKey
  heads: Pick<JournalHeads, 'set'>
  /** Is told of each segment before it exists, and where it did not come to be. */
  onBegin: (segment: string) => void
  onFailed: (segment: string) => void
}

/** Throws where the file has another name by now, or none: what is written to it is gone with the process. */
async function stillThere(handle: FileHandle, path: string): Promise<void> {
  const [open, named] = await Promise.all([handle.stat(), stat(path)])
  if (open.ino !== named.ino || open.dev !== named.dev) throw new Error(`${path} was removed or replaced`)
}

export function createSegmentWriter({ folder, key, heads, onBegin, onFailed }: SegmentWriterOptions): SegmentWriter {
  let pending: Pending[] = []
  let pendingBytes = 0
  let current: { handle: FileHandle; segment: string; size: number; records: number } | undefined
  let flushing: Promise<void> | undefined
  let problem: string | undefined

  /** Each start writes a segment of its own, so that instances that share the folder never meet. */
  const begin = async (): Promise<NonNullable<typeof current>> => {
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

  const write = async (batch: readonly Pending[]): Promise<WrittenFrame[]> => {
    if (current !== undefined && current.size >= MAX_SEGMENT_BYTES) {
      await current.handle.close()
      current = undefined
    }
    current ??= await begin()
    const { handle, segment } = current
    let to = current.size
    const parts = batch.map(({ plain }) => {
      const bytes = encodeFrame(plain, key, segment, to)
      to += bytes.length
      return { bytes, frame: { segment, from: to - bytes.length, to } }
    })
    const bytes = Buffer.concat(parts.map((part) => part.bytes))
    tellMoment('journal frame', 'before')
    for (let at = 0; at < bytes.length; )
      at += (await handle.write(bytes, at, bytes.length - at, current.size + at)).bytesWritten
    await handle.datasync()
    tellMoment('journal frame', 'after')
    await stillThere(handle, segmentPath(folder, segment))
    const records = batch.reduce((sum, one) => sum + one.records, current.records)
    tellMoment('journal head', 'before')
    heads.set(segment, { to, records })
    tellMoment('journal head', 'after')
    Object.assign(current, { size: to, records })
    return parts.map((part) => part.frame)
  }

  /** After a failed write or fsync nobody knows what is on disk: the segment is cut where it was sure, and left. */
  const abandon = async (): Promise<void> => {
    const left = current
    current = undefined
    await left?.handle.truncate(left.size).catch(() => undefined)
    await left?.handle.close().catch(() => undefined)
  }

  const flush = async (): Promise<void> => {
    // never to its end in the turn of its caller, who keeps the promise
    await Promise.resolve()
    while (pending.length > 0) {
      const batch = pending
      pending = []
      pendingBytes = 0
      try {
        const frames = await write(batch)
        problem = undefined
        frames.forEach((frame, i) => {
          batch[i]?.onWritten(frame)
          batch[i]?.resolve(frame)
        })
      } catch (error) {
        problem = (error as Error).message
        await abandon()
        const refused = new BridgeError('STORAGE_UNAVAILABLE', 'the journal cannot be written: nothing was accepted', {
          cause: error,
        })
        for (const { reject } of batch) reject(refused)
      }
    }
    // in the same turn as the last look for more: what is appended next begins a flush of its own
    flushing = undefined
  }

  return {
    append(plain, records, onWritten) {
      if (pendingBytes + plain.length > LIMITS.journalWaitingBytes.value)
        return Promise.reject(new BridgeError('OVERLOADED', 'too many records are waiting for the disk'))
      const { promise, resolve, reject } = Promise.withResolvers<WrittenFrame>()
      pending.push({ plain, records, onWritten, resolve, reject })
      pendingBytes += plain.length
      flushing ??= flush()
      return promise
    },
    problem: () => problem,
    async close() {
      await flushing
      await current?.handle.close()
      current = undefined
    },
  }
}
