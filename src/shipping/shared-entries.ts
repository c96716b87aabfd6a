import type { LedgerMark } from '../ports/ledger-table.ts'
import type { LogState } from '../ports/logs.ts'
import type { PublishedBatch } from '../ports/record-store.ts'
import { type EntryOf, type Group, LaterLedgerError, LEDGER_FORMAT, type Snapshot } from './ledger-entries.ts'
import { applyEntry, emptyState, isJournal, type LedgerState, publishGroup } from './ledger-state.ts'

// What of a ledger is in the database: the names of kinds and members are stored there, and stay.

/** What is done to what readers count, as a value: whoever comes after a publisher that ended in it can do it again. */
export type Change =
  | { kind: 'publish'; batches: PublishedBatch[] }
  | { kind: 'retire'; logs: string[] }
  | { kind: 'retireBatches'; batches: number[] }
  | { kind: 'electMissing' }
  | { kind: 'rebuildWinners' }
  | { kind: 'rebuildSums' }
  | { kind: 'rollBack'; kept: string[] | 'none' }
  | { kind: 'publishKept' }

/** What the ledger notes once a change is carried out. */
export type Note =
  | { kind: 'published'; group: Group }
  | Omit<EntryOf<'retired'>, 'seq'>
  | Omit<EntryOf<'rolledBack'>, 'seq'>
  | Omit<EntryOf<'restored'>, 'seq'>

export interface Changing {
  change: Change
  note: Note
}

/** A change that is being carried out: its rows have this number, and those of every later change a larger one. */
export interface Announced extends Changing {
  /** A release before this one did not say. */
  seq?: number
}

/** What the database has lost for good, as far as its publisher can tell. */
export interface DatabaseLosses {
  /** Published records of archived logs that nobody has any more. */
  lostRecords: number
  /** Names of these logs. */
  lostLogs: string[]
  /** Published editions of segments of the journal that were shipped by another ledger, such as one that is gone. */
  foreignSegments: LogState[]
}

export const NOTHING_LOST: DatabaseLosses = { lostRecords: 0, lostLogs: [], foreignSegments: [] }

/** For a change that moves no log: the number and the generation alone go up. */
export const NO_LOG: Note = { kind: 'retired', states: [] }

export type SharedEntry =
  /** The first of a publisher, and of what stands for everything before it. `ledger` names the logs. */
  | {
      kind: 'whole'
      /** By which a release before it knows that it must not read on; a release before this one did not say. */
      format?: number
      ledger: string
      snapshot: Snapshot
      changing?: Announced
      losses?: DatabaseLosses
    }
  /** What readers count is being changed: until `changed`, nobody can say what they see. */
  | ({ kind: 'changing' } & Announced)
  | { kind: 'changed'; seq: number }
  /** Stock was taken. */
  | { kind: 'stock'; losses: DatabaseLosses }
  | EntryOf<'migration'>
  | EntryOf<'restored'>
  | EntryOf<'retired'>
  | EntryOf<'registered'>

const KINDS: Record<SharedEntry['kind'], true> = {
  whole: true,
  changing: true,
  changed: true,
  stock: true,
  migration: true,
  restored: true,
  retired: true,
  registered: true,
}
const NOTES: Record<Note['kind'], true> = { published: true, retired: true, rolledBack: true, restored: true }

/** An entry as it is in the database. Throws `LaterLedgerError` where a later release wrote it, which would be misread. */
export function readSharedEntry(text: string): SharedEntry {
  const entry = JSON.parse(text) as SharedEntry
  const later = (what: string): LaterLedgerError => new LaterLedgerError('the ledger in the database', what)
  if (!Object.hasOwn(KINDS, entry.kind)) throw later(entry.kind)
  if (entry.kind === 'whole' && (entry.format ?? 1) > LEDGER_FORMAT) throw later(`format ${entry.format}`)
  const changing = entry.kind === 'whole' ? entry.changing : entry.kind === 'changing' ? entry : undefined
  if (changing !== undefined && !Object.hasOwn(NOTES, changing.note.kind)) throw later(changing.note.kind)
  return entry
}

/** What the shared ledger comes to. */
export interface SharedLedgerState {
  /** The ledger that names the logs; empty before there is one. */
  ledger: string
  facts: LedgerState
  changing: Announced | undefined
  losses: DatabaseLosses
  mark: LedgerMark
}

export const emptyShared = (): SharedLedgerState => ({
  ledger: '',
  facts: emptyState(0),
  changing: undefined,
  losses: NOTHING_LOST,
  mark: { epoch: 0, number: 0 },
})

/** Returns the logs that stand elsewhere after it. */
export function applyShared(state: SharedLedgerState, entry: SharedEntry): LogState[] {
  if (entry.kind === 'whole') {
    state.ledger = entry.ledger
    state.facts = emptyState(0)
    applyEntry(state.facts, { kind: 'snapshot', snapshot: entry.snapshot })
    state.changing = entry.changing
    state.losses = entry.losses ?? NOTHING_LOST
    return [...state.facts.states.values()]
  }
  if (entry.kind === 'stock') {
    state.losses = entry.losses
    return []
  }
  if (entry.kind === 'changing') {
    state.changing = entry
    return []
  }
  if (entry.kind !== 'changed') {
    applyEntry(state.facts, entry)
    return entry.kind === 'retired' || entry.kind === 'registered' ? entry.states : []
  }
  const { changing } = state
  state.changing = undefined
  return changing === undefined ? [] : applyNote(state.facts, changing.note, entry.seq)
}

function applyNote(facts: LedgerState, note: Note, seq: number): LogState[] {
  if (note.kind === 'published') {
    publishGroup(facts, note.group)
    facts.seq = Math.max(facts.seq, seq)
  } else applyEntry(facts, { ...note, seq })
  return movedBy(note, facts.states)
}

/** The logs that stand elsewhere once something was noted. */
export function movedBy(note: Note, states: ReadonlyMap<string, LogState>): LogState[] {
  if (note.kind === 'published') return note.group.states
  if (note.kind === 'retired') return note.states
  return note.kind === 'restored' ? [] : [...states.values()].filter((log) => !isJournal(log))
}
