import { count, grouped } from '../../domain/counted.ts'
import type { SourceHealth } from '../../ports/token-source.ts'
import type { AnalysisStatus } from './calls.ts'

/** `status` is `undefined` while the analysis starts; `watchProblem` says why some root is not watched. */
export function healthOf(status: AnalysisStatus | undefined, watchProblem: string | undefined): SourceHealth {
  if (status === undefined) return { state: 'DOWN', detail: 'the analysis is starting' }
  if (!status.ready) {
    const percent = status.bytesTotal === 0 ? 0 : Math.floor((100 * status.bytesDone) / status.bytesTotal)
    return { state: 'DOWN', detail: `the first analysis is at ${percent} %` }
  }
  const { unreadable, indexProblem } = status
  if (unreadable.length > 0)
    return { state: 'DEGRADED', detail: `${grouped(unreadable.length)} folders or files cannot be read` }
  if (indexProblem !== undefined) return { state: 'DEGRADED', detail: indexProblem }
  if (watchProblem !== undefined) return { state: 'DEGRADED', detail: `not watching, rescanning only: ${watchProblem}` }
  return { state: 'UP', detail: status.sample ? 'the built-in sample' : count(status.transcripts, 'transcript') }
}
