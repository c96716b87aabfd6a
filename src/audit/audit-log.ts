import { BridgeError } from '../domain/errors.ts'
import type { Audit, AuditEvent } from '../ports/audit.ts'
import { lockPathOf, takeLock } from '../process-lock.ts'
import { ACKNOWLEDGED, type Beginning, DAMAGED, findBeginning } from './beginning.ts'
import { createChain } from './chain.ts'
import { createCounts } from './counts.ts'
import type { Head } from './head.ts'
import type { PlacedEvent } from './line.ts'
import { createLinesAfter } from './lines.ts'
import { createQueue, type Queue } from './queue.ts'
import type { Limits, Removal } from './removal.ts'
import { createRepeats } from './repeats.ts'

/** The audit log of one instance, on its disk. */
export interface AuditLog extends Audit {
  head(): Head
  /** Why nothing can be noted now; `undefined` while it works. */
  problem(): string | undefined
  /** What is wrong with it, since it was found, over starts, until an operator acknowledges it. */
  damage(): string | undefined
  /** It is damaged in a way that no start sees. */
  damaged(damage: string): void
  /** An operator knows of these problems, which `verifyAudit` told. */
  acknowledge(problems: readonly string[], by: Pick<AuditEvent, 'who' | 'from' | 'request'>): Promise<void>
  /** What was counted so far is on disk then. */
  flush(): Promise<void>
  /** The same, and another one may open it. */
  close(): Promise<void>
}

export interface AuditLogOptions extends Limits {
  folder: string
  key: Buffer
  maxFileBytes?: number
  onRemoved?: (removed: Removal['removed']) => void
  /** Whether there was a key, and so a chain, before this start. */
  isKeyOld?: boolean
  now?: () => number
}

const MAX_FILE_BYTES = 8 << 20
const COUNT_MS = 1000
/** A command of this machine has the log no longer than it takes to note something. */
const LOCKED_MS = 1000

/**
 * Opens the chain of a folder, and begins it where there is none. One writer at a time: throws where another one has it,
 * or where it cannot be gone on with.
 */
export function openAuditLog(options: AuditLogOptions): AuditLog {
  const { folder } = options
  const unlock = takeLock(lockPathOf(folder), LOCKED_MS)
  if (unlock === undefined) throw new Error(`another process writes the audit log in ${folder}`)
  try {
    return openLocked(options, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

function openLocked(options: AuditLogOptions, unlock: () => void): AuditLog {
  const { folder, key, maxFileBytes = MAX_FILE_BYTES, now = Date.now } = options
  const beginning = findBeginning(folder, key, options.isKeyOld)
  const chain = createChain({ ...options, head: beginning.head, maxFileBytes })
  const queue = createQueue(chain.write, now)
  queue.owe(notesAtStart(beginning, now()))
  const counts = createCounts(now)
  const repeats = createRepeats(queue.note, now)
  const flush = async (): Promise<void> => {
    queue.owe([...repeats.take(now()), ...counts.take(now())])
    await queue.flush()
  }
  const timer = setInterval(() => void flush(), COUNT_MS).unref()
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    clearInterval(timer)
    await flush()
    await chain.close()
    unlock()
  }
  void flush()
  return {
    ...damageOf(folder, beginning, queue, now),
    note: queue.note,
    noteRepeated: repeats.note,
    count: counts.add,
    requireRoom() {
      if (queue.problem() !== undefined)
        throw new BridgeError('STORAGE_UNAVAILABLE', 'the audit log cannot be written: nothing is changed meanwhile')
    },
    head: chain.head,
    problem: queue.problem,
    flush,
    close: () => (closed ??= close()),
  }
}

const notesAtStart = ({ notes }: Beginning, at: number): PlacedEvent[] =>
  notes.map((note) => ({ ...note, outcome: 'ok', at, count: 1 }))

/** What is wrong, as it was found at this start or at one before. */
function damageOf(
  folder: string,
  { head, notes }: Beginning,
  queue: Queue,
  now: () => number,
): Pick<AuditLog, 'damage' | 'damaged' | 'acknowledge'> {
  const found = notes.find(({ action }) => action === DAMAGED)?.detail
  let damage = head.damaged === undefined ? found : (detailAt(folder, head.damaged) ?? GONE)
  return {
    damage: () => damage,
    damaged(text) {
      if (damage !== undefined) return
      damage = text
      queue.owe([{ action: DAMAGED, outcome: 'ok', detail: text, at: now(), count: 1 }])
    },
    async acknowledge(problems, by) {
      await Promise.all(problems.map((detail) => queue.note({ ...by, action: ACKNOWLEDGED, outcome: 'ok', detail })))
      damage = undefined
    },
  }
}

const GONE = 'it was damaged, and what says how is gone: token-bridge audit verify'

function detailAt(folder: string, position: number): string | undefined {
  const [line] = createLinesAfter(folder).read(position - 1)
  return line?.entry.position === position ? (line.entry.detail ?? undefined) : undefined
}
