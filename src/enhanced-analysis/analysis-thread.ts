// The analysis in a thread of its own: long sums and long reads never hold up the server's event loop.
import { parentPort, workerData } from 'node:worker_threads'
import type { SourceAnswer, SourceRequest } from '../ports/token-source.ts'
import { type Analysis, openAnalysis } from './analysis.ts'
import { SAMPLE_ROOT } from './sample.ts'
import type { AnalysisStatus, FromThread, ThreadOptions, ToThread } from './thread-messages.ts'

/** Changes come in bursts: wait this long after one before reading. */
const SETTLE_MS = 150
/** A rescan may take at most this share of the time. */
const MAX_RESCAN_SHARE = 0.05

const options = workerData as ThreadOptions
const analysis = openAnalysis(options)
let sample: Analysis | undefined
let closing = false
let timer: NodeJS.Timeout | undefined
let dueAt = Number.POSITIVE_INFINITY
let refreshing = false
let changedMeanwhile = false

const status: AnalysisStatus = {
  ready: false,
  transcripts: 0,
  records: 0,
  bytesTotal: 0,
  bytesDone: 0,
  bytesRead: 0,
  refreshes: 0,
  refreshedAt: 0,
  refreshMs: 0,
  watermark: '',
  unreadable: [],
  indexState: analysis.indexState(),
  sample: false,
}

const post = (message: FromThread): void => parentPort?.postMessage(message)
const tell = (): void => post({ kind: 'status', status })

function schedule(afterMs: number): void {
  const at = Date.now() + afterMs
  // an earlier one is not put off: changes without end must not keep it from happening
  if (closing || at >= dueAt) return
  clearTimeout(timer)
  dueAt = at
  timer = setTimeout(() => void refresh(), afterMs)
}

async function refresh(): Promise<void> {
  dueAt = Number.POSITIVE_INFINITY
  refreshing = true
  changedMeanwhile = false
  const started = Date.now()
  try {
    const report = await analysis.refresh(({ bytesTotal, bytesDone }) => {
      Object.assign(status, { bytesTotal, bytesDone })
      if (!status.ready) tell()
    })
    // what cannot be read may be transcripts: then there is no sample either
    const nothingThere = report.files === 0 && report.unreadable.length === 0
    if (nothingThere && sample === undefined) sample = await openSample()
    Object.assign(status, {
      ready: true,
      transcripts: report.files,
      records: analysis.records(),
      bytesRead: status.bytesRead + report.bytesRead,
      refreshes: status.refreshes + 1,
      refreshedAt: started,
      refreshMs: Date.now() - started,
      unreadable: report.unreadable,
      sample: nothingThere,
    })
  } catch (error) {
    status.unreadable = [(error as Error).message]
  } finally {
    refreshing = false
    // also after a failure: something may have been counted before it
    status.watermark = status.sample ? 'sample' : analysis.watermark()
    status.indexState = analysis.indexState()
    tell()
    const took = Date.now() - started
    schedule(changedMeanwhile ? SETTLE_MS : Math.max(options.rescanIntervalMs, took / MAX_RESCAN_SHARE))
  }
}

async function openSample(): Promise<Analysis> {
  const opened = openAnalysis({ roots: [SAMPLE_ROOT], scanThreads: 0 })
  await opened.refresh()
  return opened
}

function answer({ queries, quality }: SourceRequest): SourceAnswer {
  const served = status.sample ? sample : undefined
  const from = served ?? analysis
  return {
    answers: from.answer(queries),
    quality: quality ? from.corpusQuality() : undefined,
    asOf: status.refreshedAt,
    // new for each look while one is going on: what it has read so far is in the answer
    watermark: refreshing ? `${status.watermark}+` : status.watermark,
    sample: served !== undefined,
  }
}

function close(): void {
  closing = true
  clearTimeout(timer)
  analysis.close()
  post({ kind: 'closed' })
  parentPort?.close()
}

/** Something changed on disk. */
function changed(): void {
  if (refreshing) changedMeanwhile = true
  else schedule(SETTLE_MS)
}

parentPort?.on('message', (message: ToThread) => {
  if (message.kind === 'close') return close()
  if (message.kind === 'changed') return changed()
  try {
    post({ kind: 'answered', id: message.id, answer: answer(message.request) })
  } catch (error) {
    post({ kind: 'failed', id: message.id, message: (error as Error).message })
  }
})

void refresh()
