import type { CountField } from './token-counts.ts'

/** Who and what a record belongs to, and the log that names its place in the rank. */
export interface Origin {
  project: string
  user: string
  host: string
  /** Path of the log, for the rank (rule 8). */
  path: string
}

/** One occurrence of a token record in a log. Counts are whole numbers, 0 to 10^12. */
export interface RecordCopy extends Origin, Record<CountField, number> {
  /** 32 hexadecimal digits (`identityDigest`). */
  identity: string
  /** Milliseconds since 1970. */
  time: number
  session: string
  model: string
  /** At most 200 characters; empty: none known. */
  branch: string
  sidechain: boolean
  byMutation: boolean
  /**
   * When it was acknowledged, in whole microseconds since 1970: decides who owns an identity (rule 8). `OWN_STAMP`:
   * nobody else can have this identity. 0: a transcript's, or one that an earlier release shipped from a log that is gone.
   */
  stamp: number
  /** Byte offset of its line or frame in its log: its place. */
  position: number
  /** Byte offset for the rank: of the line in the log that it was first written to. */
  offset: number
}

/** A copy, with the name of the edition of a log that it stands in. */
export interface PlacedCopy extends RecordCopy {
  log: string
}
