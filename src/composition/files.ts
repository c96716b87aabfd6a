import { join } from 'node:path'
import type { Config } from '../config.ts'
import { indexPathFor } from '../enhanced-analysis/index/index-path.ts'
import type { AnalysisStatus } from '../enhanced-analysis/service/calls.ts'
import { type LegacySource, startLegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import { startAnalysisThread } from '../enhanced-analysis/thread/start-thread.ts'
import type { Logger } from '../observability/logger.ts'
import type { Root } from '../transcripts/roots.ts'
import type { WayIn } from './way-in.ts'

export interface FilesOptions {
  config: Config
  roots: Root[]
  wayIn: WayIn
  logger: Logger
}

/** Unreadable folders or files that are logged. */
const MAX_LOGGED = 10

/** The legacy source, which counts the transcripts and the journal. */
export function startFiles({ config, roots, wayIn, logger }: FilesOptions): LegacySource {
  const { journal } = wayIn
  const { scanThreads, rescanIntervalMs } = config
  const indexPath = indexPathFor(join(config.dataDir, 'index'), roots)
  const legacy = startLegacySource({
    start: (listeners) => startAnalysisThread({ roots, indexPath, scanThreads, rescanIntervalMs }, listeners),
    roots,
    scanThreads,
    readJournal: wayIn.read,
    maySample: () => journal.extents().every(({ acknowledgedRecords }) => acknowledgedRecords === 0),
    onStatus: logChanges(logger),
    onWatchProblem: (problem) => logger.warn({ problem }, 'not watching: changes are noticed by rescans alone'),
    onBug: (error) => logger.error({ err: error }, 'a mistake in the analysis'),
    onCrash: (error) => logger.error({ err: error }, 'the analysis stopped and is started again'),
  })
  wayIn.events.on('journaled', legacy.addJournaled)
  return legacy
}

/** Logs what an operator wants to know of the analysis, once. */
function logChanges(logger: Logger): (status: AnalysisStatus) => void {
  let wasReady = false
  let unreadable = 0
  let indexState = ''
  let wasSample = false
  const tellConflicts = logConflicts(logger)
  return (status) => {
    if (status.ready && !wasReady) {
      const { transcripts, records, refreshMs } = status
      logger.info({ transcripts, records, ms: refreshMs, index: status.indexState }, 'the first analysis is done')
    }
    if (status.indexState === 'broken' && indexState !== 'broken')
      logger.warn({ problem: status.indexProblem }, 'counting without the index')
    indexState = status.indexState
    if (wasSample && !status.sample) {
      const { transcripts, records } = status
      logger.info({ transcripts, records }, 'transcripts or records have come: they are counted now, and no sample')
    }
    wasSample = status.sample
    wasReady = status.ready
    if (status.unreadable.length !== unreadable)
      logger.warn(
        { unreadable: status.unreadable.slice(0, MAX_LOGGED), count: status.unreadable.length },
        'unreadable folders or files',
      )
    unreadable = status.unreadable.length
    tellConflicts(status.conflicts)
  }
}

/** Between two lines about conflicts: whoever sends many fills no log with them. */
const CONFLICTS_MS = 10_000

/** Logs that there are more copies that conflict with those that count. */
function logConflicts(logger: Logger): (copies: number) => void {
  let told = 0
  let toldAt = Number.NEGATIVE_INFINITY
  return (copies) => {
    // some may be gone, with their log
    if (copies < told) told = copies
    if (copies === told || performance.now() - toldAt < CONFLICTS_MS) return
    logger.warn(
      { copies, more: copies - told },
      'conflicting copies: another user, or another way in, has other figures for the same records; they do not count',
    )
    told = copies
    toldAt = performance.now()
  }
}
