import { Worker } from 'node:worker_threads'
import { BridgeError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { CatalogueEntry, LogState, ShippableLogs } from '../ports/logs.ts'
import type { SourceHealth, SourceRequest, TokenSource, UnpublishedAnswer } from '../ports/token-source.ts'
import { joined } from './answer-parts.ts'
import { createBacklog } from './backlog.ts'
import { contentHashes, linesAt } from './file-content.ts'
import type { JournaledRange } from './journal-update.ts'
import { compileLineScanner } from './line-scanner/line-scanner.ts'
import type { AnalysisStatus, CallName, Calls, FromThread, ThreadOptions, ToThread } from './thread-messages.ts'
import { watchRoots } from './watching.ts'

/** The legacy source: the enhanced analysis, running in a thread of its own. */
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

export interface LegacySourceOptions extends ThreadOptions {
  /** Hands over all entries of the journal, and settles when that is done; called at each start of the analysis. */
  readJournal: (add: (range: JournaledRange) => void) => Promise<void>
  /** Whether the sample may answer where there is nothing: not where there was something. Default: it may. */
  maySample?: () => boolean
  onStatus?: (status: AnalysisStatus) => void
  /** Why changes are noticed by rescans alone. */
  onWatchProblem?: (problem: string) => void
  onCrash?: (error: Error) => void
}

/** Questions of one caller that wait for the thread; more are refused at once. */
const MAX_PENDING = LIMITS.pendingQuestions.value
/** Whoever asks for the bridge itself: no user has this name. */
const BRIDGE = ''
const RESTART_AFTER_MS = 1000
const CLOSE_DEADLINE_MS = 5000
/** For objects that have just come into being: what is kept of the logs lies in arrays outside of it. */
const YOUNG_MB = 24

/** Records of the journal that go to the thread in one message: copying it holds up the event loop. */
const JOURNALED_RECORDS = 2000
/** What a range costs beside its records, in records. */
const RANGE_COST = 10

interface Pending {
  caller: string
  resolve: (answer: never) => void
  reject: (error: Error) => void
}

export function startLegacySource(options: LegacySourceOptions): LegacySource {
  const { onStatus, onWatchProblem, onCrash, readJournal, maySample, ...threadOptions } = options
  const listeners = new Set<() => void>()
  const pending = new Map<number, Pending>()
  /** What is known of the logs' shipping, for a thread that starts again. */
  const shippingStates = new Map<string, LogState>()
  /** Editions that are not to be believed, by log, until a later one has taken their place: for such a thread, too. */
  const distrusted = new Map<string, number>()
  let nextId = 0
  /** Ranges of the journal that the thread was sent since it began. */
  let journaled = 0
  /** What came while the journal was being read for a thread: it goes after that, in the order of each segment. */
  let held: JournaledRange[] | undefined
  const backlog = createBacklog()
  let worker: Worker | undefined
  let status: AnalysisStatus | undefined
  let closed: (() => void) | undefined
  let restart: NodeJS.Timeout | undefined
  const ready = Promise.withResolvers<void>()

  const receive = (message: FromThread): void => {
    if (message.kind === 'status') {
      status = message.status
      backlog.counted(status.journaled)
      if (status.ready) ready.resolve()
      onStatus?.(status)
      for (const listener of listeners) listener()
      // a root may have come into being
      void watching.extend()
    } else if (message.kind === 'closed') closed?.()
    else {
      const waiting = pending.get(message.id)
      pending.delete(message.id)
      if (message.kind === 'answered') waiting?.resolve(message.answer as never)
      else waiting?.reject(errorOf(message))
    }
  }

  // not in the thread: the native watcher does not survive the end of a thread
  const watching = watchRoots(
    options.roots,
    () => worker?.postMessage({ kind: 'changed' } satisfies ToThread),
    (problem) => onWatchProblem?.(problem),
  )

  const crashed = (error: Error): void => {
    worker = undefined
    status = undefined
    for (const { reject } of pending.values())
      reject(new BridgeError('SOURCE_UNAVAILABLE', 'the analysis stopped and is started again', { cause: error }))
    pending.clear()
    if (closed !== undefined) return closed()
    onCrash?.(error)
    restart = setTimeout(start, RESTART_AFTER_MS)
  }

  compileLineScanner()
  const start = (): void => {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const started = new Worker(new URL(`./analysis-thread.${extension}`, import.meta.url), {
      workerData: threadOptions,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    })
    let failure: Error | undefined
    started.on('message', receive)
    started.on('error', (error: Error) => (failure = error))
    started.on('exit', (code) => crashed(failure ?? new Error(`the analysis thread ended with code ${code}`)))
    worker = started
    // a journal that cannot be read now may be readable later: the thread is begun anew
    beginThread(started).catch((error: Error) => {
      failure = error
      void started.terminate()
    })
  }

  const sendJournaled = (to: Worker, ranges: JournaledRange[]): void => {
    journaled += ranges.length
    backlog.send(ranges)
    to.postMessage({ kind: 'journaled', ranges } satisfies ToThread)
  }

  /** The journal goes before the first look: the thread is not ready without it. */
  const beginThread = async (started: Worker): Promise<void> => {
    const send = (message: ToThread): void => started.postMessage(message)
    journaled = 0
    held = []
    backlog.clear()
    let ranges: JournaledRange[] = []
    let records = 0
    await readJournal((range) => {
      if (worker !== started) return
      ranges.push(range)
      records += range.records.length + RANGE_COST
      if (records < JOURNALED_RECORDS) return
      sendJournaled(started, ranges)
      ranges = []
      records = 0
    })
    // another one was started meanwhile
    if (worker !== started) return
    sendJournaled(started, [...ranges, ...held])
    held = undefined
    backlog.release()
    send({ kind: 'call', id: nextId++, caller: BRIDGE, name: 'update', asked: [...shippingStates.values()] })
    send({ kind: 'call', id: nextId++, caller: BRIDGE, name: 'distrust', asked: [...distrusted.keys()] })
    send({ kind: 'begin', maySample: maySample?.() ?? true })
  }
  start()

  const call = <Name extends CallName>(name: Name, asked: Calls[Name][0], caller = BRIDGE): Promise<Calls[Name][1]> => {
    if (worker === undefined)
      return Promise.reject(new BridgeError('SOURCE_UNAVAILABLE', healthOf(status, undefined).detail))
    const id = nextId++
    const { promise, resolve, reject } = Promise.withResolvers<Calls[Name][1]>()
    pending.set(id, { caller, resolve, reject })
    worker.postMessage({ kind: 'call', id, caller, name, asked } as ToThread)
    return promise
  }

  const pendingOf = (caller: string): number => {
    let count = 0
    for (const waiting of pending.values()) if (waiting.caller === caller) count++
    return count
  }

  const callWhenReady = <Name extends CallName>(
    name: Name,
    asked: Calls[Name][0],
    caller = BRIDGE,
  ): Promise<Calls[Name][1]> => {
    if (status?.ready !== true)
      return Promise.reject(new BridgeError('SOURCE_UNAVAILABLE', healthOf(status, undefined).detail))
    if (pendingOf(caller) >= MAX_PENDING)
      return Promise.reject(new BridgeError('OVERLOADED', `${MAX_PENDING} questions of yours are waiting already`))
    return call(name, asked, caller)
  }

  return {
    source: 'LEGACY',
    world: options.roots.map(({ user, host, path }) => `${user}@${host}=${path}`).join(','),
    counted() {
      if (status?.ready !== true) return undefined
      const onItsWay = status.journaled === journaled ? '' : `~${journaled}`
      return { watermark: `${status.watermark}${onItsWay}`, asOf: status.refreshedAt }
    },
    status: () => status,
    whenReady: () => ready.promise,
    health: () => healthOf(status, watching.problem()),
    answer: async (request, caller) => joined(await callWhenReady('answer', request, caller)),
    answerUnpublished: async (request, caller) => joined(await callWhenReady('answerUnpublished', request, caller)),
    addJournaled(range) {
      if (held !== undefined) {
        held.push(range)
        backlog.hold(range)
      } else if (worker !== undefined) sendJournaled(worker, [range])
    },
    hasRoom: () => backlog.bytes() < LIMITS.countWaitingBytes.value,
    isAllPublished: () => status?.ready === true && status.unshippedBytes === 0 && status.journaled === journaled,
    logs: {
      async update(states) {
        for (const state of states) {
          shippingStates.set(state.key, state)
          if (state.edition > (distrusted.get(state.key) ?? state.edition)) distrusted.delete(state.key)
        }
        await call('update', states)
      },
      nextRanges: (selection, maxRecords, after) => callWhenReady('nextRanges', { selection, maxRecords, after }),
      retired: () => callWhenReady('retired', undefined),
      async catalogue() {
        const entries = await callWhenReady('catalogue', undefined)
        const hashes = await contentHashes(entries, options.scanThreads)
        return entries.map((entry, i): CatalogueEntry => ({ ...entry, sha256: hashes[i] as string }))
      },
      archived: () => callWhenReady('archived', undefined),
      readable: (keys) => callWhenReady('readable', keys),
      publishedGroups: (without) => callWhenReady('publishedGroups', without),
      publishedRows: (of, without) => callWhenReady('publishedRows', { of, without }),
      async linesAt(key, positions) {
        const path = await callWhenReady('pathOf', key)
        return path === undefined ? positions.map(() => 0) : linesAt(path, positions)
      },
      distrust(keys) {
        for (const key of keys) {
          const state = shippingStates.get(key)
          if (state !== undefined) distrusted.set(key, state.edition)
        }
        return callWhenReady('distrust', keys)
      },
      setAside: (refused) => callWhenReady('setAside', refused),
      unshippedBytes: () => status?.unshippedBytes ?? 0,
      onChange(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    async close() {
      await watching.close()
      const { promise, resolve } = Promise.withResolvers<void>()
      closed = resolve
      clearTimeout(restart)
      if (worker === undefined) return
      const closing = worker
      closing.postMessage({ kind: 'close' } satisfies ToThread)
      // a thread that hangs loses nothing but the rest of its work: the index is a cache
      const deadline = setTimeout(() => void closing.terminate(), CLOSE_DEADLINE_MS)
      await promise
      clearTimeout(deadline)
    },
  }
}

function errorOf({ code, message }: Extract<FromThread, { kind: 'failed' }>): BridgeError {
  return code === undefined
    ? new BridgeError('SOURCE_UNAVAILABLE', `the analysis failed: ${message}`)
    : new BridgeError(code, message)
}

function healthOf(status: AnalysisStatus | undefined, watchProblem: string | undefined): SourceHealth {
  if (status === undefined) return { state: 'DOWN', detail: 'the analysis is starting' }
  if (!status.ready) {
    const percent = status.bytesTotal === 0 ? 0 : Math.floor((100 * status.bytesDone) / status.bytesTotal)
    return { state: 'DOWN', detail: `the first analysis is at ${percent} %` }
  }
  const { unreadable, indexProblem } = status
  if (unreadable.length > 0)
    return { state: 'DEGRADED', detail: `${unreadable.length} folders or files cannot be read` }
  if (indexProblem !== undefined) return { state: 'DEGRADED', detail: indexProblem }
  if (watchProblem !== undefined) return { state: 'DEGRADED', detail: `not watching, rescanning only: ${watchProblem}` }
  return { state: 'UP', detail: status.sample ? 'the built-in sample' : `${status.transcripts} transcripts` }
}
