import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { EVERYTHING } from '../../src/domain/scope.ts'
import type { RecordCopy } from '../../src/domain/token-record.ts'
import { openAnalysis } from '../../src/enhanced-analysis/analysis.ts'
import { createAnalysisService } from '../../src/enhanced-analysis/service/analysis-service.ts'
import type { AnalysisService, ServiceListeners } from '../../src/enhanced-analysis/service/calls.ts'
import {
  type LegacySource,
  type LegacySourceOptions,
  startLegacySource,
} from '../../src/enhanced-analysis/service/legacy-source.ts'
import type { JournaledRange } from '../../src/enhanced-analysis/table/journal-update.ts'
import type { ThreadOptions } from '../../src/enhanced-analysis/thread/messages.ts'
import { startAnalysisThread } from '../../src/enhanced-analysis/thread/start-thread.ts'
import type { SourceRequest } from '../../src/ports/token-source.ts'
import { HOURS } from './bucketed.ts'

export type Start = (options: ThreadOptions, listeners: ServiceListeners) => AnalysisService

/** The analysis as a service in this thread. */
const startHere: Start = ({ rescanIntervalMs, ...options }, listeners) =>
  createAnalysisService({ open: (how) => openAnalysis({ ...options, ...how }), rescanIntervalMs }, listeners)

/** Entries of the journal with 1000 records each, from the one of this number on. */
export function ranges(count: number, first = 0): JournaledRange[] {
  return Array.from({ length: count }, (_, i) => {
    const from = (first + i) * 1000
    return {
      segment: 's',
      to: from + 1000,
      records: Array.from({ length: 1000 }, (_, j): RecordCopy => {
        const n = from + j
        return {
          identity: createHash('md5').update(String(n)).digest('hex'),
          time: Date.UTC(2026, 3, 2) + n * 60_000,
          session: `session-${n % 300}`,
          model: `model-${n % 7}`,
          project: `project-${n % 5}`,
          user: 'ann',
          host: 'laptop',
          branch: '',
          path: 'x',
          input: n % 1000,
          output: 1,
          cacheRead: 0,
          cacheCreation5m: 0,
          cacheCreation1h: 0,
          sidechain: false,
          byMutation: true,
          stamp: 1000 + n,
          position: n,
          offset: n,
        }
      }),
    }
  })
}

/** Everything that a dashboard shows, for some filters that select all. */
export const view = (filters: number): SourceRequest => ({
  queries: Array.from({ length: filters }, (_, from) => ({
    filter: { from },
    groupings: [['project'], ['user'], [HOURS]],
    sessions: true,
  })),
  access: EVERYTHING,
  quality: false,
})

export const WHOLE = { queries: [{ filter: {}, groupings: [] }], access: EVERYTHING, quality: true }

/** Every way to the service. */
export const SERVICES: [string, Start][] = [
  ['in a thread of its own', startAnalysisThread],
  ['in this thread', startHere],
]

/** The legacy source of one folder of transcripts, on a service. Closed when the test ends. */
export function startSource(
  startService: Start,
  folder: string,
  more: Partial<Omit<LegacySourceOptions, 'start'>> & { indexPath?: string } = {},
): LegacySource {
  const { indexPath = join(folder, 'data', 'x.idx'), ...rest } = more
  const roots = [{ path: join(folder, 'projects'), user: 'ann', host: 'laptop' }]
  const source = startLegacySource({
    start: (listeners) => startService({ roots, indexPath, scanThreads: 2, rescanIntervalMs: 500 }, listeners),
    roots,
    scanThreads: 2,
    async readJournal() {},
    ...rest,
  })
  onTestFinished(() => source.close())
  return source
}
