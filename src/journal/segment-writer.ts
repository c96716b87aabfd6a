import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { outsideSpans } from '../ports/spans.ts'
import { createSegmentFiles, type SegmentFilesOptions, type UnwrittenFrame, type WrittenFrame } from './segment-file.ts'

/** Writes frames with a group commit: what comes while the disk is busy goes out together, with one fsync. */
export interface SegmentWriter {
  /**
   * Settles when the frame, which holds so many records, is on disk. `onWritten` is called before, in the order of
   * the segment.
   */
  append(plain: Buffer, records: number, onWritten: (frame: WrittenFrame) => void): Promise<WrittenFrame>
  /** Why the last write failed; `undefined` while it works. */
  problem(): string | undefined
  close(): Promise<void>
}

interface Pending extends UnwrittenFrame {
  onWritten: (frame: WrittenFrame) => void
  resolve: (frame: WrittenFrame) => void
  reject: (error: Error) => void
}

export function createSegmentWriter(options: SegmentFilesOptions): SegmentWriter {
  const files = createSegmentFiles(options)
  let pending: Pending[] = []
  let pendingBytes = 0
  let flushing: Promise<void> | undefined
  let problem: string | undefined

  const write = async (batch: readonly Pending[]): Promise<void> => {
    try {
      const frames = await files.write(batch)
      problem = undefined
      frames.forEach((frame, i) => {
        batch[i]?.onWritten(frame)
        batch[i]?.resolve(frame)
      })
    } catch (error) {
      problem = (error as Error).message
      await files.abandon()
      const refused = new BridgeError('STORAGE_UNAVAILABLE', 'the journal cannot be written: nothing was accepted', {
        cause: error,
      })
      for (const { reject } of batch) reject(refused)
    }
  }

  const flush = async (): Promise<void> => {
    // so that the caller has stored the promise in `flushing` before it is set to `undefined` below
    await Promise.resolve()
    while (pending.length > 0) {
      const batch = pending
      pending = []
      pendingBytes = 0
      await write(batch)
    }
    // nothing can be appended between the last look at `pending` and this: what comes next begins a flush of its own
    flushing = undefined
  }

  return {
    append(plain, records, onWritten) {
      if (pendingBytes + plain.length > LIMITS.journalWaitingBytes.value)
        return Promise.reject(new BridgeError('OVERLOADED', 'too many records are waiting for the disk'))
      const { promise, resolve, reject } = Promise.withResolvers<WrittenFrame>()
      pending.push({ plain, records, onWritten, resolve, reject })
      pendingBytes += plain.length
      // others wait for it, too, and what it tells is no part of who came first
      flushing ??= outsideSpans(flush)
      return promise
    },
    problem: () => problem,
    async close() {
      await flushing
      await files.close()
    },
  }
}
