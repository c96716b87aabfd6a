// The analysis in a thread of its own: long sums and long reads never hold up the server's event loop.
import { parentPort, workerData } from 'node:worker_threads'
import { isBridgeError } from '../../domain/errors.ts'
import { inOneStep, type Work } from '../../domain/work.ts'
import type { SourceAnswer, SourceRequest, UnpublishedAnswer } from '../../ports/token-source.ts'
import { createFairTurns } from '../../turns/fair-turns.ts'
import { type Analysis, openAnalysis } from '../analysis.ts'
import { type InParts, inParts } from '../service/answer-parts.ts'
import type { AnalysisStatus, CallName, Calls, FromThread, ThreadOptions, ToThread } from '../service/calls.ts'
import { SAMPLE_ROOT } from '../service/sample.ts'
import type { JournaledRange } from '../table/journal-update.ts'

/** Changes come in bursts: wait this long after one before reading. */
const SETTLE_MS = 150
/** What comes by the journal is told at most this often. */
const TELL_MS = 100
/** A rescan may take at most this share of the time. */
const MAX_RESCAN_SHARE = 0.05

const options = workerData as ThreadOptions
const turns = createFairTurns()
const analysis = openAnalysis({ ...options, change: turns.change, bounded: true })
let sample: Analysis | undefined
/** What cannot be read may be transcripts: then there is no sample. */
let nothingOnDisk = false
/** Nothing was ever brought in that is gone now. */
let maySample = true
let closing = false
let timer: NodeJS.Timeout | undefined
let dueAt = Number.POSITIVE_INFINITY
let refreshing = false
let changedMeanwhile = false
let transcriptsMark = ''
let journaled = 0
let telling: NodeJS.Timeout | undefined

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
  journaled: 0,
  unshippedBytes: 0,
  unreadable: [],
  indexState: analysis.indexState(),
  indexProblem: analysis.indexProblem(),
  sample: false,
}

const post = (message: FromThread): void => parentPort?.postMessage(message)

function tell(): void {
  clearTimeout(telling)
  telling = undefined
  Object.assign(status, {
    records: analysis.records(),
    watermark: watermark(''),
    journaled,
    unshippedBytes: analysis.shipping.unshippedBytes(),
    indexState: analysis.indexState(),
    indexProblem: analysis.indexProblem(),
    sample: isSample(),
  })
  post({ kind: 'status', status })
}

function tellSoon(): void {
  telling ??= setTimeout(tell, TELL_MS)
}

/** Of an answer, never the current one while a look is going on: what it has read so far is in the answer. */
function watermark(whileLooking = refreshing ? '+' : ''): string {
  return isSample() ? 'sample' : `${transcriptsMark}${whileLooking}.${analysis.journaledBytes()}`
}

const isSample = (): boolean => maySample && nothingOnDisk && analysis.journaledBytes() === 0

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
    nothingOnDisk = report.files === 0 && report.unreadable.length === 0
    if (isSample() && sample === undefined) sample = await openSample()
    Object.assign(status, {
      ready: true,
      transcripts: report.files,
      bytesRead: status.bytesRead + report.bytesRead,
      refreshes: status.refreshes + 1,
      refreshedAt: started,
      refreshMs: Date.now() - started,
      unreadable: report.unreadable,
    })
  } catch (error) {
    status.unreadable = [(error as Error).message]
  } finally {
    refreshing = false
    // also after a failure: something may have been counted before it
    transcriptsMark = analysis.watermark()
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

function* answer({ queries, quality }: SourceRequest): Work<InParts<SourceAnswer>> {
  const served = isSample() ? sample : undefined
  const from = served ?? analysis
  const moment = { asOf: status.refreshedAt, watermark: watermark(), sample: served !== undefined }
  return yield* inParts({
    answers: yield* from.answering(queries),
    quality: quality ? yield* from.describing() : undefined,
    ...moment,
  })
}

function* answerUnpublished({ queries, quality }: SourceRequest): Work<InParts<UnpublishedAnswer>> {
  if (!analysis.shipping.isExact()) throw new Error('a renamed log waits to be shipped anew')
  const moment = { asOf: status.refreshedAt, watermark: watermark(), sample: false }
  const { identities, rows } = analysis.shipping.unpublished()
  yield
  return yield* inParts({
    answers: yield* analysis.answering(queries, rows),
    quality: quality ? yield* analysis.describing() : undefined,
    ...moment,
    identities,
  })
}

const { shipping } = analysis
type Change = 'update' | 'setAside' | 'distrust'
const CHANGES: { [Name in Change]: (asked: Calls[Name][0]) => void } = {
  update: shipping.update,
  setAside: shipping.setAside,
  distrust: shipping.distrust,
}
const QUESTIONS: { [Name in Exclude<CallName, Change>]: (asked: Calls[Name][0]) => Work<Calls[Name][1]> } = {
  answer,
  answerUnpublished,
  nextRanges: ({ selection, maxRecords, after }) => inOneStep(() => shipping.nextRanges(selection, maxRecords, after)),
  retired: () => inOneStep(shipping.retired),
  catalogue: () => inOneStep(shipping.catalogue),
  archived: () => inOneStep(shipping.archived),
  readable: (keys) => inOneStep(() => keys.filter((key) => analysis.pathOf(key) !== undefined)),
  publishedGroups: shipping.publishedGroups,
  publishedRows: ({ of, without }) => inOneStep(() => shipping.publishedRows(of, without)),
  pathOf: (key) => inOneStep(() => analysis.pathOf(key)),
}

const isChange = (name: CallName): name is Change => name in CHANGES

function call({ id, caller, name, asked }: Extract<ToThread, { kind: 'call' }>): void {
  const onDone = (answer: Calls[CallName][1]): void => {
    // whoever gets an answer knows by then how far it goes
    if (telling !== undefined) tell()
    post({ kind: 'answered', id, answer })
  }
  const onFailed = (error: unknown): void => {
    const { message } = error as Error
    post({ kind: 'failed', id, message, code: isBridgeError(error) ? error.code : undefined })
  }
  if (!isChange(name)) {
    const begin = QUESTIONS[name] as (asked: unknown) => Work<Calls[CallName][1]>
    return turns.ask(caller, () => begin(asked), onDone, onFailed)
  }
  turns
    .change(() => {
      CHANGES[name](asked as never)
      tellSoon()
    })
    .then(() => onDone(undefined), onFailed)
}

function count(ranges: readonly JournaledRange[]): void {
  for (const range of ranges) analysis.addJournaled(range)
  journaled += ranges.length
  tellSoon()
}

function close(): void {
  closing = true
  turns.close()
  clearTimeout(timer)
  clearTimeout(telling)
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
  if (message.kind === 'begin') {
    maySample = message.maySample
    return void refresh()
  }
  if (message.kind === 'call') return call(message)
  // what cannot be counted ends the thread: a new one begins with the whole journal
  turns.change(() => count(message.ranges))
})
