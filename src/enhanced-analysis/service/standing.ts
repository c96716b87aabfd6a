import type { Analysis, RefreshReport } from '../analysis.ts'
import type { AnalysisStatus } from './calls.ts'

/** How the analysis stands, and when that is told. */
export interface Standing extends Telling {
  /** As it is now. */
  status(): AnalysisStatus
  /** A look begins. */
  looks(): void
  /** It reads so much. */
  reading(bytesTotal: number, bytesDone: number): void
  /** It is over: done, or failed. */
  looked(outcome: RefreshReport | Error): void
  /** So many ranges of the journal were counted. */
  journaled(ranges: number): void
  /** Sets whether the sample may answer: nothing was ever brought in that is gone now. */
  allowSample(may: boolean): void
  isSample(): boolean
  /** When the last look that was done began; 0 before. Milliseconds since 1970. */
  lookedAt(): number
  /** Of an answer, never the current one while a look is going on: what it has read so far is in the answer. */
  watermarkOfAnswer(): string
}

export function createStanding(analysis: Analysis, onStatus: (status: AnalysisStatus) => void): Standing {
  const status = { ...UNKNOWN }
  /** When the look that is going on began. */
  let lookingSince: number | undefined
  /** What cannot be read may be transcripts: then there is no sample. */
  let nothingOnDisk = false
  let maySample = true
  let transcriptsMark = ''

  const isSample = (): boolean => maySample && nothingOnDisk && analysis.journaledBytes() === 0
  const watermark = (whileLooking: string): string => {
    if (isSample()) return 'sample'
    if (lookingSince === undefined) transcriptsMark = analysis.watermark()
    return `${transcriptsMark}${lookingSince === undefined ? '' : whileLooking}.${analysis.journalMark()}`
  }
  const current = (): AnalysisStatus => ({
    ...status,
    ...figuresOf(analysis),
    watermark: watermark(''),
    sample: isSample(),
  })
  const telling = createTelling(() => onStatus(current()))

  return {
    ...telling,
    status: current,
    looks() {
      lookingSince = Date.now()
    },
    reading(bytesTotal, bytesDone) {
      Object.assign(status, { bytesTotal, bytesDone })
      // from then on it is told when it is over
      if (!status.ready) telling.tell()
    },
    looked(outcome) {
      if (outcome instanceof Error) status.unreadable = [outcome.message]
      else {
        nothingOnDisk = outcome.files === 0 && outcome.unreadable.length === 0
        Object.assign(status, afterLook(status, outcome, lookingSince as number))
      }
      lookingSince = undefined
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
  }
}

const figuresOf = (analysis: Analysis) => ({
  records: analysis.records(),
  conflicts: analysis.conflicts(),
  unshippedBytes: analysis.shipping.unshippedBytes(),
  unproven: analysis.shipping.unproven().length,
  indexState: analysis.indexState(),
  indexProblem: analysis.indexProblem(),
})

function afterLook(
  { bytesRead, refreshes }: AnalysisStatus,
  report: RefreshReport,
  beganAt: number,
): Partial<AnalysisStatus> {
  return {
    ready: true,
    transcripts: report.files,
    bytesRead: bytesRead + report.bytesRead,
    refreshes: refreshes + 1,
    refreshedAt: beganAt,
    refreshMs: Date.now() - beganAt,
    unreadable: report.unreadable,
  }
}

/** When something is told: what comes in a burst is told together. */
interface Telling {
  /** Tells it now. */
  tell(): void
  /** Tells it soon. */
  tellSoon(): void
  /** Tells now what was to be told soon. */
  tellWhatWaits(): void
  /** Nothing is told any more. */
  close(): void
}

/** What comes in a burst is told at most this often. */
const TELL_MS = 100

function createTelling(onTell: () => void): Telling {
  let waiting: NodeJS.Timeout | undefined
  let closed = false
  const tell = (): void => {
    clearTimeout(waiting)
    waiting = undefined
    // a look may go on for a while after the end
    if (!closed) onTell()
  }
  return {
    tell,
    tellSoon() {
      waiting ??= setTimeout(tell, TELL_MS)
    },
    tellWhatWaits() {
      if (waiting !== undefined) tell()
    },
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
  conflicts: 0,
  bytesTotal: 0,
  bytesDone: 0,
  bytesRead: 0,
  refreshes: 0,
  refreshedAt: 0,
  refreshMs: 0,
  watermark: '',
  journaled: 0,
  unshippedBytes: 0,
  unproven: 0,
  unreadable: [],
  indexState: '',
  indexProblem: undefined,
  sample: false,
}
