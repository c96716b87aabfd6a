// A worker thread that reads transcripts: it gets batches of jobs and hands back encoded updates.
import { parentPort } from 'node:worker_threads'
import { createReaders } from '../../transcripts/format-of.ts'
import { type ScanJob, type ScanOutcome, scanFile } from './file-scan.ts'

/** What a worker says. Updates are in the order in which they must be applied. */
export type ScanMessage =
  | { kind: 'updates'; updates: ArrayBuffer[] }
  | { kind: 'progress'; bytes: number }
  | { kind: 'done'; failures: ScanFailure[] }

/** A file of the batch that was not counted to its end. */
export interface ScanFailure {
  job: ScanJob
  outcome: Exclude<ScanOutcome, 'counted'> | 'unreadable'
  message?: string
}

/** Updates that are collected before they are sent. */
const SEND_BYTES = 1 << 20
const PROGRESS_BYTES = 8 << 20

const readerOf = createReaders()

parentPort?.on('message', (jobs: ScanJob[]) => {
  const failures: ScanFailure[] = []
  let updates: ArrayBuffer[] = []
  let held = 0
  let read = 0
  const post = (message: ScanMessage, transfer: ArrayBuffer[] = []): void => parentPort?.postMessage(message, transfer)
  const send = (): void => {
    if (updates.length > 0) post({ kind: 'updates', updates }, updates)
    updates = []
    held = 0
  }
  const sink = {
    update(encoded: ArrayBuffer) {
      updates.push(encoded)
      held += encoded.byteLength
      if (held >= SEND_BYTES) send()
    },
    progress(bytes: number) {
      read += bytes
      if (read < PROGRESS_BYTES) return
      post({ kind: 'progress', bytes: read })
      read = 0
    },
  }
  for (const job of jobs) {
    try {
      const outcome = scanFile(job, readerOf(job), sink)
      if (outcome !== 'counted') failures.push({ job, outcome })
    } catch (error) {
      failures.push({ job, outcome: 'unreadable', message: (error as Error).message })
    }
  }
  send()
  post({ kind: 'progress', bytes: read })
  post({ kind: 'done', failures })
})
