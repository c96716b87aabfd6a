import { BridgeError } from '../domain/errors.ts'
import type { AuditEvent } from '../ports/audit.ts'
import type { PlacedEvent } from './line.ts'

/** Entries that wait for a disk that takes none. */
const MAX_OWED = 10_000
/** Says how many were lost, because it took none for too long. */
const LOST = 'audit lost'

/** What is on its way to the disk. */
export interface Queue {
  /** It is written some time later. */
  owe(events: readonly PlacedEvent[]): void
  /** Settles when it is on disk. Throws STORAGE_UNAVAILABLE; then it is written as soon as that is possible. */
  note(event: AuditEvent): Promise<void>
  flush(): Promise<void>
  /** Why nothing can be written now. */
  problem(): string | undefined
}

interface Waiting {
  event: PlacedEvent
  resolve: () => void
  reject: (error: Error) => void
}

/** What comes while the disk is busy goes out together, with one fsync; what failed is written first, next time. */
export function createQueue(write: (events: readonly PlacedEvent[]) => Promise<void>, now: () => number): Queue {
  let owed: PlacedEvent[] = []
  let waiting: Waiting[] = []
  let flushing: Promise<void> | undefined
  let problem: string | undefined
  let lost = 0
  let latest = 0

  const owe = (events: readonly PlacedEvent[]): void => {
    const room = Math.max(0, MAX_OWED - owed.length)
    owed.push(...events.slice(0, room))
    lost += Math.max(0, events.length - room)
  }
  const writeAll = async (): Promise<void> => {
    const batch = waiting
    // in the chain time never goes back, whatever the clock does
    const events = [...owed, ...batch.map(({ event }) => event)].map((event) => {
      latest = Math.max(latest, event.at)
      return { ...event, at: latest }
    })
    waiting = []
    owed = []
    try {
      await write(events)
      problem = undefined
      if (lost > 0) owed.push({ action: LOST, outcome: 'ok', detail: `${lost} entries`, at: latest, count: 1 })
      lost = 0
      for (const { resolve } of batch) resolve()
    } catch (error) {
      problem = (error as Error).message
      owed = events.concat(owed).slice(0, MAX_OWED)
      const refused = new BridgeError(
        'STORAGE_UNAVAILABLE',
        'the audit log cannot be written: what was asked for may have been done, and is noted when that is possible',
        { cause: error },
      )
      for (const { reject } of batch) reject(refused)
    }
  }
  const flushAll = async (): Promise<void> => {
    // so that `flushing` is set before it is forgotten below
    await Promise.resolve()
    do await writeAll()
    while (waiting.length > 0)
    flushing = undefined
  }
  return {
    owe,
    note(event: AuditEvent): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      waiting.push({ event: { ...event, at: now(), count: 1 }, resolve, reject })
      flushing ??= flushAll()
      return promise
    },
    async flush(): Promise<void> {
      // what is being written now does not have what was owed since
      await flushing
      if (owed.length > 0 || waiting.length > 0) flushing ??= flushAll()
      await flushing
    },
    problem: () => problem,
  }
}
