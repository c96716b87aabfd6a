import { Worker } from 'node:worker_threads'
import { BridgeError } from '../domain/errors.ts'
import type { SourceAnswer, SourceHealth, SourceRequest, TokenSource } from '../ports/token-source.ts'
import { lockPathOf, releaseLockOfThisProcess } from './index-lock.ts'
import type { AnalysisStatus, FromThread, ThreadOptions, ToThread } from './thread-messages.ts'
import { watchRoots } from './watching.ts'

/** The legacy source: the enhanced analysis, running in a thread of its own. */
export interface LegacySource extends TokenSource {
  readonly source: 'LEGACY'
  status(): AnalysisStatus | undefined
  /** Settles when the first look at all transcripts is done. */
  whenReady(): Promise<void>
  close(): Promise<void>
}

export interface LegacySourceOptions extends ThreadOptions {
  onStatus?: (status: AnalysisStatus) => void
  /** Why changes are noticed by rescans alone. */
  onWatchProblem?: (problem: string) => void
  onCrash?: (error: Error) => void
}

/** Questions that wait for the thread; more are refused at once. */
const MAX_PENDING = 100
const RESTART_AFTER_MS = 1000
const CLOSE_DEADLINE_MS = 5000

interface Pending {
  resolve: (answer: SourceAnswer) => void
  reject: (error: Error) => void
}

export function startLegacySource(options: LegacySourceOptions): LegacySource {
  const { onStatus, onWatchProblem, onCrash, ...threadOptions } = options
  const pending = new Map<number, Pending>()
  let nextId = 0
  let worker: Worker | undefined
  let status: AnalysisStatus | undefined
  let closed: (() => void) | undefined
  let restart: NodeJS.Timeout | undefined
  const ready = Promise.withResolvers<void>()

  const receive = (message: FromThread): void => {
    if (message.kind === 'status') {
      status = message.status
      if (status.ready) ready.resolve()
      onStatus?.(status)
      // a root may have come into being
      void watching.extend()
    } else if (message.kind === 'closed') closed?.()
    else {
      const waiting = pending.get(message.id)
      pending.delete(message.id)
      if (message.kind === 'answered') waiting?.resolve(message.answer)
      else waiting?.reject(new BridgeError('SOURCE_UNAVAILABLE', `the analysis failed: ${message.message}`))
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
    releaseLockOfThisProcess(lockPathOf(options.indexPath))
    restart = setTimeout(start, RESTART_AFTER_MS)
  }

  const start = (): void => {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const started = new Worker(new URL(`./analysis-thread.${extension}`, import.meta.url), {
      workerData: threadOptions,
    })
    let failure: Error | undefined
    started.on('message', receive)
    started.on('error', (error: Error) => (failure = error))
    started.on('exit', (code) => crashed(failure ?? new Error(`the analysis thread ended with code ${code}`)))
    worker = started
  }
  start()

  return {
    source: 'LEGACY',
    world: options.roots.map(({ user, host, path }) => `${user}@${host}=${path}`).join(','),
    position: () => (status?.ready === true ? { watermark: status.watermark, asOf: status.refreshedAt } : undefined),
    status: () => status,
    whenReady: () => ready.promise,
    health: () => healthOf(status, watching.problem()),
    answer(request: SourceRequest) {
      if (worker === undefined || status?.ready !== true)
        return Promise.reject(new BridgeError('SOURCE_UNAVAILABLE', healthOf(status, undefined).detail))
      if (pending.size >= MAX_PENDING)
        return Promise.reject(new BridgeError('OVERLOADED', `${MAX_PENDING} questions are waiting already`))
      const id = nextId++
      const { promise, resolve, reject } = Promise.withResolvers<SourceAnswer>()
      pending.set(id, { resolve, reject })
      worker.postMessage({ kind: 'answer', id, request } satisfies ToThread)
      return promise
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

function healthOf(status: AnalysisStatus | undefined, watchProblem: string | undefined): SourceHealth {
  if (status === undefined) return { state: 'DOWN', detail: 'the analysis is starting' }
  if (!status.ready) {
    const percent = status.bytesTotal === 0 ? 0 : Math.floor((100 * status.bytesDone) / status.bytesTotal)
    return { state: 'DOWN', detail: `the first analysis is at ${percent} %` }
  }
  const { unreadable } = status
  if (unreadable.length > 0)
    return { state: 'DEGRADED', detail: `${unreadable.length} folders or files cannot be read` }
  if (watchProblem !== undefined) return { state: 'DEGRADED', detail: `not watching, rescanning only: ${watchProblem}` }
  return { state: 'UP', detail: status.sample ? 'the built-in sample' : `${status.transcripts} transcripts` }
}
