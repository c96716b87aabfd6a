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
  /** One more of its kind in this second: they become one entry, which is on disk some time later. */
  count(event: AuditEvent): void
  /** Throws STORAGE_UNAVAILABLE where nothing can be noted now: nothing that must be noted may be done. */
  requireRoom(): void
}
