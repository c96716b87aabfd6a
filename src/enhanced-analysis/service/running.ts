import type { LogState } from '../../ports/logs.ts'
import { type AnalysisService, type AnalysisStatus, BRIDGE, type ServiceListeners } from './calls.ts'
import type { JournalFeed } from './journal-feed.ts'

/** A service that is started again where it ends. */
export interface RunningService {
  /** `undefined` between its end and its next start. */
  current(): AnalysisService | undefined
  /** As it was told last; `undefined` while it starts. */
  status(): AnalysisStatus | undefined
  close(): Promise<void>
}

export interface RunningOptions extends ServiceListeners {
  start: (listeners: ServiceListeners) => AnalysisService
  feed: JournalFeed
  /** What it was told of the logs' shipping before it ended: the states, and the keys of those not to be believed. */
  told: { states(): LogState[]; distrusted(): string[] }
  maySample: () => boolean
}

const RESTART_AFTER_MS = 1000

export function keepRunning(options: RunningOptions): RunningService {
  const { feed, told } = options
  let service: AnalysisService | undefined
  let status: AnalysisStatus | undefined
  let restart: NodeJS.Timeout | undefined

  const stop = (): void => {
    service = undefined
    status = undefined
    feed.stop()
  }

  /** The journal goes before the first look: the service is not ready without it. */
  const begin = async (started: AnalysisService): Promise<void> => {
    if (!(await feed.begin(started))) return
    const updated = [started.call('update', told.states(), BRIDGE), started.call('distrust', told.distrusted(), BRIDGE)]
    started.begin(options.maySample())
    await Promise.all(updated)
  }

  const start = (): void => {
    const ended = (error: Error): void => {
      if (service !== started) return
      stop()
      options.onEnd(error)
      restart = setTimeout(start, RESTART_AFTER_MS)
    }
    const onStatus = (now: AnalysisStatus): void => {
      status = now
      options.onStatus(now)
    }
    const started = options.start({ onStatus, onBug: options.onBug, onEnd: ended })
    service = started
    // a journal that cannot be read now may be readable later: the service is begun anew
    begin(started).catch((error: Error) => started.close().then(() => ended(error)))
  }
  start()

  return {
    current: () => service,
    status: () => status,
    async close() {
      clearTimeout(restart)
      const closing = service
      stop()
      await closing?.close()
    },
  }
}
