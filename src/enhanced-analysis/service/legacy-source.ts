import { BridgeError } from '../../domain/errors.ts'
import type { ShippableLogs } from '../../ports/logs.ts'
import type { SourceRequest, TokenSource, UnpublishedAnswer } from '../../ports/token-source.ts'
import type { Root } from '../../transcripts/roots.ts'
import { watchRoots } from '../scanning/watching.ts'
import type { JournaledRange } from '../table/journal-update.ts'
import { type AnalysisService, type AnalysisStatus, BRIDGE, type ServiceListeners } from './calls.ts'
import { healthOf } from './health.ts'
import { createJournalFeed, type ReadJournal } from './journal-feed.ts'
import { createPending } from './pending.ts'
import { type Ask, answersThrough, logsThrough } from './through.ts'
import { createToldStates } from './told-states.ts'

/** The legacy source: the enhanced analysis as a service, which is started again where it ends. */
export interface LegacySource extends TokenSource {
  readonly source: 'LEGACY'
  status(): AnalysisStatus | undefined
  /** Counts entries of the journal: from here on, no watermark is that of an answer without them. */
  addJournaled(range: JournaledRange): void
  /** Whether what waits to be counted leaves room for more. */
  hasRoom(): boolean
  /** All logs were looked at, and nothing of them is not published in ClickHouse. */
  isAllPublished(): boolean
  /** What the files say of everything that is not published in ClickHouse. */
  answerUnpublished(request: SourceRequest, caller?: string): Promise<UnpublishedAnswer>
  readonly logs: ShippableLogs
  /** Settles when the first look at all transcripts is done. */
  whenReady(): Promise<void>
  close(): Promise<void>
}

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

const RESTART_AFTER_MS = 1000

export function startLegacySource(options: LegacySourceOptions): LegacySource {
  const { roots, maySample = () => true } = options
  const listeners = new Set<() => void>()
  const feed = createJournalFeed(options.readJournal)
  const pending = createPending()
  const told = createToldStates()
  const ready = Promise.withResolvers<void>()
  let service: AnalysisService | undefined
  let status: AnalysisStatus | undefined
  let restart: NodeJS.Timeout | undefined

  const onStatus = (now: AnalysisStatus): void => {
    status = now
    feed.counted(now.journaled)
    if (now.ready) ready.resolve()
    options.onStatus?.(now)
    for (const listener of listeners) listener()
    // a root may have come into being
    void watching.extend()
  }

  // not in the thread: the native watcher does not survive the end of a thread
  const watching = watchRoots(
    roots,
    () => service?.changed(),
    (problem) => options.onWatchProblem?.(problem),
  )

  const stop = (error?: Error): void => {
    service = undefined
    status = undefined
    feed.stop()
    pending.rejectAll(
      new BridgeError('SOURCE_UNAVAILABLE', 'the analysis stopped and is started again', { cause: error }),
    )
  }

  const start = (): void => {
    const ended = (error: Error): void => {
      if (service !== started) return
      stop(error)
      options.onCrash?.(error)
      restart = setTimeout(start, RESTART_AFTER_MS)
    }
    const started = options.start({ onStatus, onBug: (error) => options.onBug?.(error), onEnd: ended })
    service = started
    // a journal that cannot be read now may be readable later: the service is begun anew
    begin(started).catch((error: Error) => started.close().then(() => ended(error)))
  }

  /** The journal goes before the first look: the service is not ready without it. */
  const begin = async (started: AnalysisService): Promise<void> => {
    if (!(await feed.begin(started))) return
    await Promise.all([
      started.call('update', told.states(), BRIDGE),
      started.call('distrust', told.distrusted(), BRIDGE),
      started.begin(maySample()),
    ])
  }
  start()

  const unavailable = (): Promise<never> =>
    Promise.reject(new BridgeError('SOURCE_UNAVAILABLE', healthOf(status, undefined).detail))

  const ask: Ask = (name, asked, caller = BRIDGE) => {
    const current = service
    return status?.ready === true && current !== undefined
      ? pending.bounded(caller, () => current.call(name, asked, caller))
      : unavailable()
  }

  const logs = logsThrough(ask, options.scanThreads)
  return {
    source: 'LEGACY',
    world: roots.map(({ user, host, path }) => `${user}@${host}=${path}`).join(','),
    ...answersThrough(ask),
    counted() {
      if (status?.ready !== true) return undefined
      const onItsWay = status.journaled === feed.added() ? '' : `~${feed.added()}`
      return { watermark: `${status.watermark}${onItsWay}`, asOf: status.refreshedAt }
    },
    status: () => status,
    whenReady: () => ready.promise,
    health: () => healthOf(status, watching.problem()),
    addJournaled: feed.add,
    hasRoom: feed.hasRoom,
    isAllPublished: () => status?.ready === true && status.unshippedBytes === 0 && status.journaled === feed.added(),
    logs: {
      ...logs,
      // also before the first look is done
      async update(states) {
        told.update(states)
        const current = service
        if (current === undefined) return unavailable()
        await pending.unbounded(BRIDGE, () => current.call('update', states, BRIDGE))
      },
      distrust(keys) {
        told.distrust(keys)
        return logs.distrust(keys)
      },
      unshippedBytes: () => status?.unshippedBytes ?? 0,
      onChange(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    async close() {
      await watching.close()
      clearTimeout(restart)
      const closing = service
      stop()
      await closing?.close()
    },
  }
}
