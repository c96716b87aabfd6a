import type { Analysis } from '../analysis.ts'
import type { RefreshReport } from '../refresh.ts'
import type { AnalysisStatus } from './calls.ts'

/** How the analysis stands, and when that is told. */
export interface Standing {
  /** As it is now. */
  status(): AnalysisStatus
  /** Tells it now. */
  tell(): void
  /** Tells it soon: what comes in a burst is told together. */
  tellSoon(): void
  /** Tells now what was to be told soon. */
  tellWhatWaits(): void
  /** The first look is going on. */
  reading(bytesTotal: number, bytesDone: number): void
  /** A look that began at this moment is done. */
  looked(report: RefreshReport, startedAt: number): void
  /** A look failed. */
  failed(error: Error): void
  /** So many ranges of the journal were counted. */
  journaled(ranges: number): void
  /** Sets whether the sample may answer: nothing was ever brought in that is gone now. */
  allowSample(may: boolean): void
  isSample(): boolean
  /** When the last look began; 0 before. Milliseconds since 1970. */
  lookedAt(): number
  /** Of an answer, never the current one while a look is going on: what it has read so far is in the answer. */
  watermarkOfAnswer(): string
  close(): void
}

/** What comes in a burst is told at most this often. */
const TELL_MS = 100

export function createStanding(
  analysis: Analysis,
  isLooking: () => boolean,
  onStatus: (status: AnalysisStatus) => void,
): Standing {
  const status = { ...UNKNOWN }
  /** What cannot be read may be transcripts: then there is no sample. */
  let nothingOnDisk = false
  let maySample = true
  let transcriptsMark = ''
  let waiting: NodeJS.Timeout | undefined
  let closed = false

  const isSample = (): boolean => maySample && nothingOnDisk && analysis.journaledBytes() === 0

  const watermark = (whileLooking: string): string => {
    if (isSample()) return 'sample'
    if (!isLooking()) transcriptsMark = analysis.watermark()
    return `${transcriptsMark}${isLooking() ? whileLooking : ''}.${analysis.journaledBytes()}`
  }

  const current = (): AnalysisStatus => ({
    ...status,
    records: analysis.records(),
    watermark: watermark(''),
    unshippedBytes: analysis.shipping.unshippedBytes(),
    indexState: analysis.indexState(),
    indexProblem: analysis.indexProblem(),
    sample: isSample(),
  })

  const tell = (): void => {
    clearTimeout(waiting)
    waiting = undefined
    // a look may go on for a while
    if (!closed) onStatus(current())
  }

  return {
    status: current,
    tell,
    tellSoon: () => {
      waiting ??= setTimeout(tell, TELL_MS)
    },
    tellWhatWaits: () => {
      if (waiting !== undefined) tell()
    },
    reading(bytesTotal, bytesDone) {
      Object.assign(status, { bytesTotal, bytesDone })
      if (!status.ready) tell()
    },
    looked({ files, unreadable, bytesRead }, startedAt) {
      nothingOnDisk = files === 0 && unreadable.length === 0
      status.ready = true
      status.transcripts = files
      status.bytesRead += bytesRead
      status.refreshes++
      status.refreshedAt = startedAt
      status.refreshMs = Date.now() - startedAt
      status.unreadable = unreadable
    },
    failed({ message }) {
      status.unreadable = [message]
    },
    journaled(ranges) {
      status.journaled += ranges
    },
    allowSample(may) {
      maySample = may
    },
    isSample,
    lookedAt: () => status.refreshedAt,
    watermarkOfAnswer: () => watermark('+'),
    close() {
      closed = true
      clearTimeout(waiting)
    },
  }
}

const UNKNOWN: AnalysisStatus = {
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
  indexState: '',
  indexProblem: undefined,
  sample: false,
}
