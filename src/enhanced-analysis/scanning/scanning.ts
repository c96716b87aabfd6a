import { Worker } from 'node:worker_threads'
import { createReaders, prepareFormats } from '../../transcripts/format-of.ts'
import { type ScanJob, scanFile } from './file-scan.ts'
import type { ScanFailure, ScanMessage } from './scan-worker.ts'

export interface ScanRequest {
  job: ScanJob
  /** Bytes to read, by what is known: for balance and progress. */
  bytes: number
}

export interface ScanHandlers {
  /** Called for each encoded `FileUpdate`, those of one file in order. */
  update(encoded: ArrayBuffer): void
  progress(bytes: number): void
}

/** Reads many files, in worker threads where there is much to read. */
export interface Scanning {
  run(requests: readonly ScanRequest[], handlers: ScanHandlers): Promise<ScanFailure[]>
}

/** Below this, starting threads takes longer than reading. */
const INLINE_BYTES = 16 << 20
const BATCH_BYTES = 8 << 20
const BATCH_FILES = 256
/** Of a worker's heap: a smaller one costs no time here and saves 20 MB a thread. */
const YOUNG_GENERATION_MB = 4

/** `threads` 0 reads everything in the calling thread. */
export function createScanning(threads: number): Scanning {
  const readerOf = createReaders()
  return {
    async run(requests, handlers) {
      const bytes = requests.reduce((sum, request) => sum + request.bytes, 0)
      if (threads > 0 && bytes > INLINE_BYTES) return runInThreads(requests, threads, handlers)
      return runInline(requests, readerOf, handlers)
    },
  }
}

async function runInline(
  requests: readonly ScanRequest[],
  readerOf: ReturnType<typeof createReaders>,
  handlers: ScanHandlers,
): Promise<ScanFailure[]> {
  const failures: ScanFailure[] = []
  for (const { job } of requests) {
    try {
      const outcome = scanFile(job, readerOf(job), handlers)
      if (outcome !== 'counted') failures.push({ job, outcome })
    } catch (error) {
      failures.push({ job, outcome: 'unreadable', message: (error as Error).message })
    }
    // let questions in between
    await new Promise((resolve) => setImmediate(resolve))
  }
  return failures
}

/** Large files first, so that no thread is left with one at the end. */
async function runInThreads(
  requests: readonly ScanRequest[],
  threads: number,
  handlers: ScanHandlers,
): Promise<ScanFailure[]> {
  const queue = batches(requests)
  const failures: ScanFailure[] = []
  const workers = Array.from({ length: Math.min(threads, queue.length) }, startWorker)
  try {
    await Promise.all(workers.map((worker) => feed(worker, queue, handlers, failures)))
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  return failures
}

function batches(requests: readonly ScanRequest[]): ScanJob[][] {
  const queue: ScanJob[][] = []
  let batch: ScanJob[] = []
  let bytes = 0
  for (const request of requests.toSorted((a, b) => b.bytes - a.bytes)) {
    batch.push(request.job)
    bytes += request.bytes
    if (bytes < BATCH_BYTES && batch.length < BATCH_FILES) continue
    queue.push(batch)
    batch = []
    bytes = 0
  }
  if (batch.length > 0) queue.push(batch)
  return queue
}

/** From source in tests, from the build otherwise. */
function startWorker(): Worker {
  prepareFormats()
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new Worker(new URL(`./scan-worker.${extension}`, import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  })
}

function feed(worker: Worker, queue: ScanJob[][], handlers: ScanHandlers, failures: ScanFailure[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (): void => {
      const batch = queue.shift()
      if (batch === undefined) resolve()
      else worker.postMessage(batch)
    }
    worker.on('error', reject)
    worker.on('exit', (code) => reject(new Error(`a scan worker exited with code ${code}`)))
    worker.on('message', (message: ScanMessage) => {
      try {
        if (message.kind === 'updates') for (const update of message.updates) handlers.update(update)
        else if (message.kind === 'progress') handlers.progress(message.bytes)
        else {
          failures.push(...message.failures)
          next()
        }
      } catch (error) {
        reject(error)
      }
    })
    next()
  })
}
