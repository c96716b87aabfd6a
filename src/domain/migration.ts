export const MIGRATION_STATES = [
  'PLANNED',
  'RUNNING',
  'PAUSED',
  'VERIFYING',
  'COMPLETED',
  'FAILED',
  'ROLLING_BACK',
  'ROLLED_BACK',
] as const
export type MigrationState = (typeof MIGRATION_STATES)[number]

/** A log of a run's catalogue; tokens as decimal text, because the ledger is JSON. A release before this one froze less. */
export interface FrozenLog {
  key: string
  path: string
  /** The records that begin before this byte are carried. */
  to: number
  records: number
  tokens: string
  sha256?: string
  duplicates?: { own: number; owners: Record<string, number> }
  refused?: Record<string, number>
}

/** Rows of one log and day that are not what the log says. */
export interface LogDifference {
  path: string
  /** UTC, `2026-04-02`. */
  day: string
  /** Counted from 1; 0 where the log cannot be read. */
  firstLine: number
  lastLine: number
  /** Rows that are only in the log, only in ClickHouse, or in both with other content. */
  missing: number
  surplus: number
  altered: number
  /** Absolute, over all kinds, as decimal text. */
  tokens: string
}

/** What a verification found: by numbers, never by a score. */
export interface Verification {
  /** Milliseconds since 1970. */
  at: number
  /** The sum of the absolute differences of records and each kind of tokens over all groups of rows, as decimal text. */
  difference: string
  /** Logs that were compared, and the paths of those that differ. */
  logsCompared: number
  logsDiffering: string[]
  /** The first of them, down to the lines. */
  differences: LogDifference[]
  /** Batches whose copies are not what was verified when they were shipped, as texts; `null` where this was not looked at. */
  damagedBatches: string[] | null
  /** Whether what readers count does not follow from the copies; `null` where this was not looked at. */
  winnersDiffer: boolean | null
  /**
   * Whether the sums that readers are answered from are not those of what they count; `null` where nobody reads them yet. A
   * release before this one had none.
   */
  sumsDiffer?: boolean | null
  /** Published logs that this bridge never shipped. */
  surplusLogs: string[]
  /** What archived copies add to the tokens that count, as decimal text. */
  archivedTokens: string
}

/** Who did what to a run. */
export interface Action {
  /** Milliseconds since 1970. */
  at: number
  by: string
  action: 'start' | 'pause' | 'resume' | 'verify' | 'repair' | 'rollback'
  detail?: string
}

/** A run that carries the history: what it carries was frozen when it was started. */
export interface Migration {
  id: string
  state: MigrationState
  /** Empty while it is PLANNED. */
  catalogue: FrozenLog[]
  /** Milliseconds since 1970. */
  startedAt: number
  finishedAt: number | null
  /** Tokens that differ between the files and ClickHouse after the run, as decimal text; `null` before. */
  difference: string | null
  error: string | null
  verification?: Verification
  history?: Action[]
  /** A rollback that takes archived records with it. */
  discardArchived?: boolean
  /** How long it should take, in seconds, by what is usual; a release before this one did not say. */
  estimatedSeconds?: number
  /** After a repair, copies and winners are verified, too. */
  deep?: boolean
}
