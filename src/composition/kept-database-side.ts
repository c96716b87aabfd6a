import { setTimeout as sleep } from 'node:timers/promises'
import { createTroubleLog } from '../observability/trouble-log.ts'
import { aborted } from './aborted.ts'
import { type DatabaseSide, type DatabaseSideOptions, openDatabaseSide } from './database-side.ts'

interface SideHealth {
  state: 'UP' | 'DEGRADED' | 'DOWN' | 'OFF'
  detail: string
  ageMs?: number | undefined
}

/** The database side, which comes up by itself once the database can be reached. */
export interface KeptDatabaseSide {
  /** `undefined` while there is none: everybody is on legacy. */
  current(): DatabaseSide | undefined
  health(): SideHealth
  /** Who publishes to it. */
  publisher(): SideHealth
  /** Settles when the database was opened, or could not be opened for the first time. */
  whenTried(): Promise<void>
  close(): Promise<void>
}

const RETRY_MS = 5000
const STARTING = 'starting'

const off = (): SideHealth => ({ state: 'OFF', detail: 'neither CLICKHOUSE_URL nor CLICKHOUSE_EMBEDDED' })

const OFF: KeptDatabaseSide = {
  current: () => undefined,
  health: off,
  publisher: off,
  whenTried: async () => undefined,
  close: async () => undefined,
}

export function keepDatabaseSide(options: Omit<DatabaseSideOptions, 'whenCounted'>): KeptDatabaseSide {
  const { config, legacy, otherJournals, logger } = options
  const { url, embedded } = config.clickhouse
  if (url === undefined && !embedded) return OFF
  let current: DatabaseSide | undefined
  let problem = STARTING
  let triedAt = performance.now()
  const tried = Promise.withResolvers<void>()
  const closing = new AbortController()
  const whenClosed = aborted(closing.signal)

  const troubles = createTroubleLog(logger, 'the database cannot be opened: everybody is on legacy', 'it can be opened')
  const use = async (side: DatabaseSide): Promise<void> => {
    current = side
    troubles.over()
    logger.info({ clickhouse: url ?? 'embedded' }, 'the database is open')
    await Promise.race([side.whenTried(), whenClosed])
    tried.resolve()
    await whenClosed
    await side.close()
  }
  const failed = (error: Error): void => {
    otherJournals.cannotJoin()
    if (closing.signal.aborted) return
    triedAt = performance.now()
    troubles.failed(error)
    problem = error.message
  }
  const whenCounted = () => Promise.race([legacy.whenReady(), whenClosed.then(() => closing.signal.throwIfAborted())])
  const keep = async (): Promise<void> => {
    // the embedded engine is nobody else's, and costs memory
    if (url === undefined) await whenCounted().catch(() => undefined)
    while (!closing.signal.aborted) {
      await openDatabaseSide({ ...options, whenCounted })
        .then(use)
        .catch(failed)
      tried.resolve()
      await sleep(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }
  const kept = keep()

  return {
    current: () => current,
    whenTried: () => tried.promise,
    publisher: () => current?.publisher() ?? { state: 'DEGRADED', detail: 'the database is not open' },
    health: () =>
      current?.health() ?? {
        state: problem === STARTING ? 'DEGRADED' : 'DOWN',
        detail: problem,
        ageMs: performance.now() - triedAt,
      },
    async close() {
      closing.abort()
      await kept
    },
  }
}
