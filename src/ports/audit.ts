/** What somebody did, or tried: no content of records, no secret. Texts are made plain and cut to their length. */
export interface AuditEvent {
  /** The user; absent where nobody is known. */
  who?: string | undefined
  /** Such as `mutation revokeAccess`, `query Dashboard`, `sign-in`. */
  action: string
  /** `ok`, or the code of an error. */
  outcome: string
  detail?: string | undefined
  /** Address that the request came from. */
  from?: string | undefined
  /** Id of the request, as it is in the log. */
  request?: string | undefined
  /** Records that it brought in: in no entry, but what is unusual is found by it. */
  records?: number | undefined
}

/** What a caller may do again and again. */
export interface RepeatedEvent extends AuditEvent {
  /** Stand before `detail`, as `name=number`; those of events that are put together are summed. */
  numbers?: Readonly<Record<string, number>> | undefined
}

/** What commands of the server's machine change or hand out by themselves, and the action of their entries. */
export const NOTED_COMMANDS = {
  ISOLATE: 'command isolate',
  REJOIN: 'command rejoin',
  ROTATE_KEY: 'command journal rotate-key',
  SCHEMA: 'command migrate schema',
  TOKEN: 'command token',
} as const

export type NotedCommand = keyof typeof NOTED_COMMANDS

/** Longest `detail` of an entry. */
export const MAX_DETAIL = 500

/** An event in its place in the chain of an instance. */
export interface AuditEntry {
  /** From 0 on, without gaps. */
  position: number
  /** Milliseconds since 1970; never less than that of the entry before it. */
  at: number
  who: string | null
  action: string
  outcome: string
  detail: string | null
  from: string | null
  request: string | null
  /** How often within a second. */
  count: number
}

/** Who did what. */
export interface Audit {
  /** Settles when it is on disk. Throws STORAGE_UNAVAILABLE; then it is written as soon as that is possible. */
  note(event: AuditEvent): Promise<void>
  /**
   * The same of what callers may do as often as they like. Who does much of it has no entry for each: what is alike
   * (`numbers` aside) within a second is put together with one that is on disk, and its number follows within a second.
   */
  noteRepeated(event: RepeatedEvent): Promise<void>
  /** One more of its kind in this second: they become one entry, which is on disk some time later. */
  count(event: AuditEvent): void
  /** Throws STORAGE_UNAVAILABLE where nothing can be noted now: nothing that must be noted may be done. */
  requireRoom(): void
}

/** What is noted of a request: who asks, and from where, is known. */
export interface RequestAudit {
  note(event: Pick<AuditEvent, 'action' | 'outcome' | 'detail' | 'records'>): Promise<void>
  noteRepeated(event: Pick<RepeatedEvent, 'action' | 'outcome' | 'detail' | 'records' | 'numbers'>): Promise<void>
  count(event: Pick<AuditEvent, 'action' | 'outcome'>): void
  requireRoom(): void
  /** The caller knows of what is wrong with the log: returns that, which is told as acknowledged from then on. */
  acknowledge(): Promise<string[]>
}

/** An entry among those of all instances. */
export interface PlacedEntry extends AuditEntry {
  /** Names the chain: 16 hexadecimal digits. */
  chain: string
  /** Host and data folder. */
  instance: string
}

/** Where an entry stands among those of all instances, the latest first. */
export type AuditPlace = Pick<PlacedEntry, 'at' | 'chain' | 'position'>

/** Which entries are looked for; absent: all. */
export interface AuditFilter {
  who?: string | undefined
  action?: string | undefined
}

/** What every instance that uses the database has told of its audit log. */
export interface AuditTable {
  /** The last entry of a chain that is there, and its HMAC. */
  lastOf(chain: string): Promise<{ position: number; hmac: string } | undefined>
  /** They are there for everybody when the promise settles. `line`: as it stands in the file. */
  add(rows: readonly (PlacedEntry & { line: string })[]): Promise<void>
  /** Of other chains than this one, before that place, the latest first; at most so many. */
  before(chain: string, place: AuditPlace, filter: AuditFilter, most: number): Promise<PlacedEntry[]>
}

/** A page of entries, the latest first. */
export interface AuditPage {
  entries: PlacedEntry[]
  /** Where the next page begins; `undefined` where nothing more is there. */
  next: AuditPlace | undefined
}

/** Reads what the audit logs say. A page may have fewer than it could where few match: `next` goes on. */
export interface AuditReading {
  page(first: number, after: AuditPlace | undefined, filter: AuditFilter): Promise<AuditPage>
}
