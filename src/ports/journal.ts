import type { AccessChange } from '../domain/access-change.ts'
import type { SourcePreference } from '../domain/source.ts'
import type { RecordCopy } from '../domain/token-record.ts'

/** A record as it is journaled: its place and stamp follow from where its entry stands. */
export type JournaledRecord = Omit<RecordCopy, 'position' | 'byMutation' | 'stamp' | 'path' | 'offset'> & {
  /** Its identity was made of who sent it: whoever else has it has computed it. */
  isOwn?: true
  /** The log and offset that it was first written to, where it was pushed from another machine. */
  origin?: { path: string; offset: number }
}

/** Records that a caller brought in by one call. */
export interface IngestEntry {
  kind: 'ingest'
  /** Milliseconds since 1970. */
  at: number
  /** Of its first record (`RecordCopy.stamp`): the journal gives it; an earlier release gave none. */
  stamp?: number
  caller: string
  idempotencyKey: string | undefined
  /** Hash of what was sent, with its version: tells a repeat from another call under the same key; empty without one. */
  contentHash: string
  records: JournaledRecord[]
  /** Positions in the call of the records that were refused, ascending: what was wrong with them follows from them. */
  refused: number[]
}

/** A user's own choice of source. */
export interface PreferenceEntry {
  kind: 'preference'
  at: number
  userId: string
  preference: SourcePreference
}

/** Everybody was taken to the files, or that was ended. */
export interface GuardEntry {
  kind: 'guard'
  at: number
  /** The user who did it. */
  by: string
  tripped: boolean
  reason: string
}

/** What users and operators chose, and no record says. */
export type StateEntry = PreferenceEntry | AccessChange | GuardEntry

export type JournalEntry = IngestEntry | StateEntry

/** Where an entry stands: bytes `from` to `to` of a segment. */
export interface JournalPlace {
  segment: string
  from: number
  to: number
}

/** The one durable way in. */
export interface Journal {
  /** Settles when the entry is on disk (fsync) and was handed on. Throws OVERLOADED at once, or STORAGE_UNAVAILABLE. */
  append(entry: JournalEntry): Promise<JournalPlace>
}

/** What is heard of the journal, in the order of each segment. */
export interface JournalListener {
  entry(entry: JournalEntry, place: JournalPlace): void
  /** Bytes of a segment that cannot be read: damaged, or written by a later version. */
  unreadable(place: JournalPlace, reason: string): void
}

/** What is known of one segment. */
export interface SegmentExtent {
  segment: string
  /** Up to where it was read, damage included; 0 where it is gone. */
  readTo: number
  /** Records that were read of it. */
  records: number
  /** Ranges before `readTo` that cannot be read: first byte, and one past the last. */
  unreadable: [number, number][]
  /** Up to where it was acknowledged, as far as this instance knows, and with how many records. */
  acknowledgedTo: number
  acknowledgedRecords: number
}
