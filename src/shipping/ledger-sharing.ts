import type { LedgerTable } from '../ports/ledger-table.ts'
import type { LogState } from '../ports/logs.ts'
import { type Entry, type EntryOf, LEDGER_FORMAT } from './ledger-entries.ts'
import { type LedgerState, snapshotOf } from './ledger-state.ts'
import {
  type Announced,
  type Changing,
  type DatabaseLosses,
  NOTHING_LOST,
  type Note,
  type SharedEntry,
  type SharedLedgerState,
} from './shared-entries.ts'
import { createSharedLedger, readShared, type SharedLedger } from './shared-ledger.ts'

/** What is told to others in the database: it is there when the promise settles. */
export interface LedgerAnnouncements {
  /** What readers see is about to be changed, under this number. */
  announce(changing: Changing, seq: number): Promise<void>
  /** What was announced, by this process or the publisher before it, and is not noted yet. */
  announced(): Changing | undefined
  /** What was announced is carried out. */
  noted(note: Note, seq: number): Promise<void>
  /** What the database has lost. */
  tellLosses(losses: DatabaseLosses): Promise<void>
  /** What is noted now can be told there: everything before it was, and nobody else publishes. Throws where that is not so. */
  canTell(): Promise<void>
  /** Everything that was noted is there. Throws where it is not: then somebody else publishes, or nobody knows. */
  kept(): Promise<void>
  /**
   * Goes on with what the database has of the ledger, where that knows more than the file, and writes there from now on.
   */
  share(sharing: Sharing): Promise<Shared>
  /** What the database said of its logs where it was older than the file; `undefined` where it was not. */
  olderStates(): ReadonlyMap<string, LogState> | undefined
}

/**
 * Whose word counts: that of the `database`, because the file is another one's, older, or new; or that of the `file`,
 * because the database was given back older. Where they say the same, nobody's.
 */
export type Shared = 'same' | 'database' | 'file'

interface Sharing {
  table: LedgerTable
  /** Of the right to publish. */
  epoch: number
  /** Nothing can be shared any more. */
  onLost?: (error: Error) => void
}

/** The ledger's file. */
export interface Entries {
  write(entry: Entry): void
  /** Another ledger's facts stand in place of everything before. */
  replace(by: SharedLedgerState): void
  close(): void
}

export const idOf = ({ opened }: LedgerState): string => (opened as EntryOf<'opened'>).ledger

/** `ownSeq` is the largest that the file had. */
export function createAnnouncements({ write, replace }: Entries, state: LedgerState, ownSeq: number) {
  let shared: SharedLedger | undefined
  let announced: Announced | undefined
  let losses = NOTHING_LOST
  let older: ReadonlyMap<string, LogState> | undefined
  const whole = (): SharedEntry => {
    const changing = announced === undefined ? {} : { changing: announced }
    return {
      kind: 'whole',
      format: LEDGER_FORMAT,
      ledger: idOf(state),
      snapshot: snapshotOf(state),
      losses,
      ...changing,
    }
  }
  const announcements: LedgerAnnouncements = {
    async announce({ change, note }, seq) {
      const next: Announced = { change, note, seq }
      if (shared !== undefined) await shared.append({ kind: 'changing', ...next })
      announced = next
    },
    announced: () => announced,
    async noted(note, seq) {
      if (shared !== undefined) await shared.append({ kind: 'changed', seq })
      announced = undefined
      writeNote(write, state, note, seq)
    },
    async tellLosses(found) {
      if (JSON.stringify(found) === JSON.stringify(losses)) return
      losses = found
      if (shared !== undefined) await shared.append({ kind: 'stock', losses })
    },
    canTell: async () => shared?.canAppend(),
    kept: async () => shared?.kept(),
    async share({ table, epoch, onLost }) {
      const found = await readShared(table)
      const took = wordOf(found, state, ownSeq)
      if (took === 'database') replace(found)
      if (knowsMore(found, state, ownSeq)) announced = found.changing
      // its rows may still be on their way: whatever follows is to count more, whoever's clock was ahead
      state.seq = Math.max(state.seq, found.changing?.seq ?? 0)
      if (took === 'file' && found.ledger === idOf(state)) older = found.facts.states
      shared = createSharedLedger({ table, epoch, after: found.mark, whole, ...(onLost && { onLost }) })
      await shared.append(whole())
      return took
    },
    olderStates: () => older,
  }
  return { announcements, tell: (entry: SharedEntry) => void shared?.append(entry).catch(() => undefined) }
}

/** What was published before this process is noted as if it had been planned here. */
function writeNote(write: Entries['write'], state: LedgerState, note: Note, seq: number): void {
  if (note.kind !== 'published') return write({ ...note, seq })
  const { group } = note
  if (JSON.stringify(state.unsettled?.group) !== JSON.stringify(group)) {
    if (state.unsettled !== undefined) write({ kind: 'abandoned' })
    write({ kind: 'planned', group })
  }
  write({ kind: 'published', seq })
}

function wordOf(found: SharedLedgerState, state: LedgerState, ownSeq: number): Shared {
  if (knowsMore(found, state, ownSeq)) return isSame(found, state) ? 'same' : 'database'
  // what was noted here last may not have come there; a release before wrote nothing there
  return found.ledger !== '' && ownSeq > found.facts.seq ? 'file' : 'same'
}

/** Whether the database's ledger is not older than the file's: that is so where the database was given back. */
function knowsMore({ ledger, facts }: SharedLedgerState, { generation }: LedgerState, ownSeq: number): boolean {
  if (ledger === '') return false
  return facts.seq > ownSeq || (facts.seq === ownSeq && facts.generation >= generation)
}

function isSame({ ledger, facts }: SharedLedgerState, state: LedgerState): boolean {
  const textOf = (of: LedgerState): string => JSON.stringify({ ...snapshotOf(of), batches: 0, seq: 0 })
  return ledger === idOf(state) && textOf(facts) === textOf(state)
}
