import { BridgeError } from '../domain/errors.ts'
import { describePublisher } from '../domain/publisher-name.ts'
import type { LedgerMark, LedgerTable } from '../ports/ledger-table.ts'
import {
  applyShared,
  emptyShared,
  readSharedEntry,
  type SharedEntry,
  type SharedLedgerState,
} from './shared-entries.ts'

/** The shared ledger, as its publisher writes it. */
export interface SharedLedger {
  /**
   * Writes an entry after all those before it; it is in the database when the promise settles. Throws CONFLICT once
   * somebody else has the right to publish. After a failure nobody knows what the table has: everything that follows
   * fails, too, until the ledger is opened anew with another epoch.
   */
  append(entry: SharedEntry): Promise<void>
  /** Settles when everything that was appended is there, and more could be now. Throws as `append` would. */
  canAppend(): Promise<void>
  /** Settles when everything that was appended is in the database, and throws where something is not. */
  kept(): Promise<void>
}

/** Bytes after which what there is to know is written as a whole, and what is before it forgotten. */
const WHOLE_BYTES = 16 << 20

/** What the shared ledger comes to now. */
export async function readShared(table: LedgerTable): Promise<SharedLedgerState> {
  const state = emptyShared()
  await readOn(table, state)
  return state
}

/**
 * Applies what follows; returns the logs that stand elsewhere, and whether there was anything. Throws `LaterLedgerError`,
 * and applies nothing, where this release would misread something of it.
 */
export async function readOn(table: LedgerTable, state: SharedLedgerState) {
  const rows = await table.after(state.mark)
  const entries = rows.map(({ entry }) => readSharedEntry(entry))
  const moved = entries.flatMap((entry, i) => {
    const { epoch, number } = rows[i] as LedgerMark
    state.mark = { epoch, number }
    return applyShared(state, entry)
  })
  return { moved, isChanged: rows.length > 0 }
}

export interface SharedLedgerOptions {
  table: LedgerTable
  epoch: number
  /** The last entry that is there. */
  after: LedgerMark
  /** Everything that there is to know, to stand for what was written before. */
  whole: () => SharedEntry
  /** Nothing can be written any more. */
  onLost?: (error: Error) => void
  wholeBytes?: number
}

export function createSharedLedger(options: SharedLedgerOptions): SharedLedger {
  const { table, epoch, whole, onLost, wholeBytes = WHOLE_BYTES } = options
  let { number } = options.after
  let isOpen = false
  let bytes = 0
  let last: Promise<void> = Promise.resolve()

  const write = async (entry: SharedEntry): Promise<void> => {
    isOpen = entry.kind === 'changing' || (isOpen && entry.kind !== 'changed')
    if (entry.kind === 'whole') isOpen = entry.changing !== undefined
    const text = JSON.stringify(entry)
    bytes += text.length
    number++
    await table.append({ epoch, number, whole: entry.kind === 'whole', open: isOpen, entry: text })
    // the statements of an announced change look by themselves whether they come too late
    if (entry.kind !== 'changing') await requireRight()
  }
  /** Whoever takes the right from here on reads what was written. */
  const requireRight = async (): Promise<void> => {
    const { fence, holder } = await table.head()
    if (fence > epoch) throw new BridgeError('CONFLICT', `${describePublisher(holder)} publishes to this database now`)
  }
  const putTogether = async (): Promise<void> => {
    if (isOpen || bytes < wholeBytes) return
    bytes = 0
    await write(whole())
    await table.forgetBefore({ epoch, number })
  }

  return {
    append(entry) {
      const written = last.then(async () => {
        await write(entry)
        // in the background: rows of earlier epochs that are left are read by nobody
        if (entry.kind === 'whole') void table.forgetEpochsBefore(epoch).catch(() => undefined)
        else await putTogether()
      })
      last = written
      written.catch((error: Error) => onLost?.(error))
      return written
    },
    async canAppend() {
      await last
      await requireRight()
    },
    kept: () => last,
  }
}
