import { BridgeError } from '../../domain/errors.ts'
import type { ShippableLogs } from '../../ports/logs.ts'
import type { SessionTitles } from '../../ports/session-titles.ts'
import type { PublishedInFiles, TokenSource, UnpublishedRecords } from '../../ports/token-source.ts'
import type { Root } from '../../transcripts/roots.ts'
import type { CountedEntry } from '../analysis.ts'
import { watchRoots } from '../scanning/watching.ts'
import type { JournaledRange } from '../table/journal-update.ts'
import { type AnalysisService, type AnalysisStatus, BRIDGE, type ServiceListeners } from './calls.ts'
import { healthOf } from './health.ts'
import { createJournalFeed, type JournalFeed, type ReadJournal } from './journal-feed.ts'
import { createPending } from './pending.ts'
import { keepRunning } from './running.ts'
import { type Ask, answersThrough, logsThrough } from './through.ts'
import { createToldStates } from './told-states.ts'

/** The legacy source: the enhanced analysis as a service, which is started again where it ends. */
export interface LegacySource extends TokenSource, UnpublishedRecords, PublishedInFiles, SessionTitles {
  readonly source: 'LEGACY'
  status(): AnalysisStatus | undefined
  /** Counts entries of the journal: from here on, no watermark is that of an answer without them. */
  addJournaled(range: JournaledRange): void
  /** Calls that wait for an answer. */
  waiting(): number
  /** Whether what waits to be counted leaves room for more. */
  hasRoom(): boolean
  /** Records of an entry of the journal, which was added, that conflict with those that count: when it is counted. */
  conflictsOf(entry: CountedEntry): Promise<number>
  /** All logs were looked at, and nothing of them is not published in ClickHouse. */
  isAllPublished(): boolean
  readonly logs: ShippableLogs
  /** Settles when the first look at all transcripts is done. */
  whenReady(): Promise<void>
  close(): Promise<void>
}

/** Who asks what became of entries, as often as there are some: no user has this name, and nobody else waits for it. */
const COUNTED = '\n'

export interface LegacySourceOptions {
  /** Starts the service: in a thread of its own, or in this one. */
  start: (listeners: ServiceListeners) => AnalysisService
  roots: readonly Root[]
  /** Threads that hash files for a catalogue. */
  scanThreads: number
  /** Called at each start of the service. */
  readJournal: ReadJournal
  /** Whether the sample may answer where there is nothing: not where there was something. Default: it may. */
  maySample?: () => boolean
  onStatus?: (status: AnalysisStatus) => void
  /** Why changes are noticed by rescans alone. */
  onWatchProblem?: (problem: string) => void
  /** A mistake of the analysis itself, with its stack; whoever asked gets an error without a code. */
  onBug?: (error: Error) => void
  /** The service ended and is started again. */
  onCrash?: (error: Error) => void
}

export function startLegacySource(options: LegacySourceOptions): LegacySource {
  const { roots } = options
  const { running, feed, told, pending, watching, onChange, whenReady } = startParts(options)
  const { status } = running
  const ask: Ask = (name, asked, caller = BRIDGE) => {
    const service = running.current()
    return status()?.ready === true && service !== undefined
      ? pending.bounded(caller, () => service.call(name, asked, caller))
      : unavailable(status())
  }
  const hasUnproven = (): boolean => status()?.unproven !== 0
  const logs = logsThrough(ask, { threads: options.scanThreads, hasUnproven })
  // where that fails, the next look at the logs asks again
  const prove = (): Promise<void> => logs.prove().catch(() => undefined)
  onChange(() => {
    if (status()?.ready === true && hasUnproven()) void prove()
  })
  return {
    source: 'LEGACY',
    world: roots.map(({ user, host, path }) => `${user}@${host}=${path}`).join(','),
    ...answersThrough(ask),
    titles: (sessions, access, caller) => ask('titles', { sessions, access }, caller),
    counted: () => countedBy(status(), feed),
    status,
    whenReady,
    health: () => healthOf(status(), watching.problem()),
    addJournaled: feed.add,
    waiting: pending.size,
    hasRoom: feed.hasRoom,
    async conflictsOf({ segment, to }) {
      // what it conflicts with may be in a transcript
      await whenReady()
      const service = running.current()
      if (service === undefined) return unavailable(status())
      return pending.unbounded(COUNTED, () => service.call('conflictsOf', { segment, to }, COUNTED))
    },
    isAllPublished: () => isAllPublished(status(), feed),
    logs: {
      ...logs,
      // also before the first look is done
      async update(states) {
        told.update(states)
        const service = running.current()
        if (service === undefined) return unavailable(undefined)
        await pending.unbounded(BRIDGE, () => service.call('update', states, BRIDGE))
        if (status()?.ready === true) await prove()
      },
      distrust(keys) {
        told.distrust(keys)
        return logs.distrust(keys)
      },
      unshippedBytes: () => status()?.unshippedBytes ?? 0,
      onChange,
    },
    async close() {
      await watching.close()
      const closed = running.close()
      pending.rejectAll(stopped())
      await closed
    },
  }
}

/** The service, what goes to it, and what it is told by the file system. */
function startParts(options: LegacySourceOptions) {
  const listeners = new Set<() => void>()
  const onChange = (listener: () => void): (() => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  const feed = createJournalFeed(options.readJournal)
  const pending = createPending()
  const told = createToldStates()
  const ready = Promise.withResolvers<void>()
  const running = keepRunning({
    start: options.start,
    feed,
    told,
    maySample: options.maySample ?? (() => true),
    onStatus(status) {
      feed.counted(status.journaled)
      if (status.ready) ready.resolve()
      options.onStatus?.(status)
      for (const listener of listeners) listener()
    },
    onBug: (error) => options.onBug?.(error),
    onEnd(error) {
      pending.rejectAll(stopped(error))
      options.onCrash?.(error)
    },
  })
  // not in the thread: the native watcher does not survive the end of a thread
  const watching = watchRoots(
    options.roots,
    () => running.current()?.changed(),
    (problem) => options.onWatchProblem?.(problem),
  )
  // a root may have come into being
  onChange(() => void watching.extend())
  return { running, feed, told, pending, watching, onChange, whenReady: () => ready.promise }
}

const unavailable = (status: AnalysisStatus | undefined): Promise<never> =>
  Promise.reject(new BridgeError('SOURCE_UNAVAILABLE', healthOf(status, undefined).detail))

const stopped = (cause?: Error): BridgeError =>
  new BridgeError('SOURCE_UNAVAILABLE', 'the analysis stopped and is started again', { cause })

function countedBy(status: AnalysisStatus | undefined, feed: JournalFeed): ReturnType<TokenSource['counted']> {
  if (status?.ready !== true) return undefined
  const onItsWay = status.journaled === feed.added() ? '' : `~${feed.added()}`
  return { watermark: `${status.watermark}${onItsWay}`, asOf: status.refreshedAt }
}

const isAllPublished = (status: AnalysisStatus | undefined, feed: JournalFeed): boolean =>
  status?.ready === true && status.unshippedBytes === 0 && status.journaled === feed.added()
