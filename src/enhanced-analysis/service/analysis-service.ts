import { BridgeError } from '../../domain/errors.ts'
import { SAMPLE_ROOT } from '../../transcripts/sample.ts'
import { createFairTurns } from '../../turns/fair-turns.ts'
import { type Analysis, type AnalysisOptions, openAnalysis } from '../analysis.ts'
import { asError, createCalling } from './calling.ts'
import type { AnalysisService, AnalysisStatus, ServiceListeners } from './calls.ts'
import { createLooking } from './looking.ts'
import { createQuestions } from './questions.ts'
import { createStanding, type Standing } from './standing.ts'

export interface ServiceOptions {
  /** Opens the analysis, which must apply what it finds by `change`. */
  open: (how: Required<Pick<AnalysisOptions, 'change' | 'bounded'>>) => Analysis
  /** Milliseconds between two looks at all transcripts. */
  rescanIntervalMs: number
}

/** In this thread: it can be asked how it stands. */
export interface DirectService extends AnalysisService {
  status(): AnalysisStatus
}

/** The analysis as a service: it looks by itself, callers take turns, and whoever is told an answer knows how it stands. */
export function createAnalysisService(options: ServiceOptions, listeners: ServiceListeners): DirectService {
  const turns = createFairTurns()
  const analysis = options.open({ change: turns.change, bounded: true })
  const standing = createStanding(analysis, listeners.onStatus)
  const looks = createLooks(analysis, standing, listeners.onBug)
  const looking = createLooking({ look: looks.look, rescanIntervalMs: options.rescanIntervalMs })
  const { questions, changes } = createQuestions(
    analysis,
    () => ({ asOf: standing.lookedAt(), watermark: standing.watermarkOfAnswer() }),
    looks.sample,
  )
  const call = createCalling({ turns, questions, changes, standing, onBug: listeners.onBug })
  let closed = false

  const close = async (): Promise<void> => {
    if (closed) return
    closed = true
    turns.close()
    looking.close()
    standing.close()
    analysis.close()
  }

  return {
    call: (name, asked, caller) =>
      closed
        ? Promise.reject(new BridgeError('SOURCE_UNAVAILABLE', 'the analysis has ended'))
        : call(name, asked, caller),
    addJournaled(ranges) {
      turns
        .change(() => {
          for (const range of ranges) analysis.addJournaled(range)
          standing.journaled(ranges.length)
          standing.tellSoon()
        })
        .catch(async (thrown: unknown) => {
          await close()
          listeners.onEnd(asError(thrown))
        })
    },
    begin(maySample) {
      standing.allowSample(maySample)
      looking.begin()
    },
    changed: looking.changed,
    status: standing.status,
    close,
  }
}

/** Looks at the transcripts, and opens the sample where there are none. */
function createLooks(analysis: Analysis, standing: Standing, onBug: (error: Error) => void) {
  let sample: Analysis | undefined
  return {
    async look(): Promise<void> {
      standing.looks()
      try {
        const report = await analysis.refresh(({ bytesTotal, bytesDone }) => standing.reading(bytesTotal, bytesDone))
        if (report.files === 0) sample ??= await openSample()
        standing.looked(report)
      } catch (thrown) {
        const error = asError(thrown)
        standing.looked(error)
        onBug(error)
      }
      standing.tell()
    },
    /** What answers in place of the analysis; `undefined`: nothing does. */
    sample: () => (standing.isSample() ? sample : undefined),
  }
}

async function openSample(): Promise<Analysis> {
  const opened = openAnalysis({ roots: [SAMPLE_ROOT], scanThreads: 0 })
  await opened.refresh()
  return opened
}
