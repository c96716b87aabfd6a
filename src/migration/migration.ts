import type { CatalogueEntry } from '../ports/logs.ts'

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

/** A log of a run's catalogue; tokens as decimal text, because the ledger is JSON. */
export type FrozenLog = Omit<CatalogueEntry, 'tokens'> & { tokens: string }

/** A run that carries the history: what it carries was frozen when it was started. */
export interface Migration {
  id: string
  state: MigrationState
  catalogue: FrozenLog[]
  /** Milliseconds since 1970. */
  startedAt: number
  finishedAt: number | null
  /** Tokens that differ between the files and ClickHouse after the run, as decimal text; `null` before. */
  difference: string | null
  error: string | null
}
