import type { AccessChange } from '../domain/access-change.ts'
import type { SourcePreference } from '../domain/source.ts'
import type { RecordCopy } from '../domain/token-record.ts'
import type { Cohort } from './flags.ts'

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
  /** By itself: then it may be ended by itself. */
  automatic?: true
}

/** What users in the experiment were answered, as one instance counted it since its entry before. */
export interface ExperimentEntry {
  kind: 'experiment'
  at: number
  /** Names the start of the instance that counted it. */
  writer: string
  /** Of its entries: one that is learned twice counts once. */
  number: number
  /** By UTC: `2026-04-02`. */
  day: string
  /** Of users whom the flag put into the arm `database`, 0 to 1; `null` where that depended on the user. */
  share: number | null
  users: ExperimentUser[]
  /** Of each arm, how often an answer took how long: microseconds, and how often, in turns. */
  latencies: Partial<Record<Cohort, number[]>>
}

/** A user in an arm, with what came to them: numbers in the order of `FIGURES` (`rollout/figures.ts`). */
export type ExperimentUser = [userId: string, cohort: Cohort, figures: number[]]

/** A field of an answer in which ClickHouse said something else than the files. */
export interface MismatchEntry {
  kind: 'mismatch'
  at: number
  id: string
  /** Such as `whole[claude-opus-4-1].output`. */
  field: string
  /** What the files said. */
  control: string
  /** What ClickHouse said. */
  candidate: string
  /** It was seen again at once. */
  confirmed: boolean
  /** What was asked (`domain/question-text.ts`), and nothing of who asked it. */
  question: string
}

/** Something that happened to an alert, or around alerts. What an alert is follows from all that happened to its name. */
export interface AlertEntry {
  kind: 'alert'
  at: number
  /** Names the instance that says so: no two entries of one have the same `at`. */
  instance: string
  /** What the alert is about; of what is noted of how alerts are told: the event once more. */
  name: string
  event: AlertEvent
  /** In words; of a user: their note. */
  text: string
  /** The user who did it. */
  by?: string
  /** Of `raised`; of `escalated`, `acknowledged` and `resolved`: what it was when that was done. */
  severity?: 'MEDIUM' | 'HIGH' | 'CRITICAL'
  /** Of `raised`: since when it was so. */
  since?: number
  /** Of `raised` and `recovered`: the instance that sees it, where it is another one; `*`: all see the same. */
  of?: string
  /** Of `escalated`. */
  level?: number
  /** Of `delivered`: what was told, and where; of `subscribed`: where alerts are told from now on. */
  told?: string
  /** Of `courier`: until when this instance tells alerts. */
  until?: number
  /** Of `measured`: what indicators came to, by name. */
  values?: Readonly<Record<string, number>>
}

export const ALERT_EVENTS = [
  'raised',
  'recovered',
  'escalated',
  'acknowledged',
  'resolved',
  'delivered',
  'courier',
  'subscribed',
  'measured',
] as const
export type AlertEvent = (typeof ALERT_EVENTS)[number]

/** What users and operators chose, users were answered, or was found, and no record says. */
export type StateEntry = PreferenceEntry | AccessChange | GuardEntry | ExperimentEntry | MismatchEntry | AlertEntry

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
