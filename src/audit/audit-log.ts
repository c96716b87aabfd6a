import { BridgeError } from '../domain/errors.ts'
import type { Audit, AuditEvent } from '../ports/audit.ts'
import { type Beginning, DAMAGED, findBeginning } from './beginning.ts'
import { createChain } from './chain.ts'
import { createCounts } from './counts.ts'
import type { Head } from './head.ts'
import type { PlacedEvent } from './line.ts'

/** The audit log of one instance, on its disk. */
export interface AuditLog extends Audit {
  head(): Head
  /** Why nothing can be noted now; `undefined` while it works. */
  problem(): string | undefined
  /** What was wrong with it when it was opened. */
  damage: string | undefined
  /** What was counted so far is on disk then. */
  close(): Promise<void>
}

export interface AuditLogOptions {
  folder: string
  key: Buffer
  /** The oldest files go when all have more bytes. */
  maxBytes: number
  maxFileBytes?: number
  now?: () => number
}

const MAX_FILE_BYTES = 8 << 20
/** Entries that wait for a disk that takes none. */
const MAX_OWED = 10_000
/** Says how many were lost, because it took none for too long. */
const LOST = 'audit lost'
const COUNT_MS = 1000

/** Opens the chain of a folder, and begins it where there is none. Throws where it cannot be gone on with. */
export function openAuditLog(options: AuditLogOptions): AuditLog {
  const { folder, key, maxBytes, maxFileBytes = MAX_FILE_BYTES, now = Date.now } = options
  const beginning = findBeginning(folder, key)
  const chain = createChain({ folder, key, head: beginning.head, maxBytes, maxFileBytes })
  const queue = createQueue(chain.write, now)
  queue.owe(notesAtStart(beginning, now()))
  const counts = createCounts()
  const flush = async (): Promise<void> => {
    queue.owe(counts.take(now()))
    await queue.flush()
  }
  const timer = setInterval(() => void flush(), COUNT_MS).unref()
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    clearInterval(timer)
    await flush()
    await chain.close()
  }
  void flush()
  return {
    note: queue.note,
    count: counts.add,
    requireRoom() {
      if (queue.problem() !== undefined)
        throw new BridgeError('STORAGE_UNAVAILABLE', 'the audit log cannot be written: nothing is changed meanwhile')
    },
    head: chain.head,
    problem: queue.problem,
    damage: beginning.notes.find(({ action }) => action === DAMAGED)?.detail,
    close: () => (closed ??= close()),
  }
}

const notesAtStart = ({ notes }: Beginning, at: number): PlacedEvent[] =>
  notes.map((note) => ({ ...note, outcome: 'ok', at, count: 1 }))

interface Waiting {
  event: PlacedEvent
  resolve: () => void
  reject: (error: Error) => void
}

/** What comes while the disk is busy goes out together, with one fsync; what failed is written first, next time. */
function createQueue(write: (events: readonly PlacedEvent[]) => Promise<void>, now: () => number) {
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
      if (owed.length > 0 || waiting.length > 0) flushing ??= flushAll()
      await flushing
    },
    problem: () => problem,
  }
}
