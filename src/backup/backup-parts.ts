import type { VerificationParts } from '../migration/verification.ts'
import type { RecordStore } from '../ports/record-store.ts'
import type { Ledger } from '../shipping/ledger.ts'
import type { Publish } from '../shipping/publication.ts'

/** What was saved, or restored. */
export interface BackupReport {
  folder: string
  batches: number
  records: number
  tokens: bigint
  /** Batches that were there already. */
  skipped: number
}

/** What saving and restoring work on. */
export interface BackupParts extends VerificationParts {
  ledger: Ledger
  store: RecordStore
  /** The number of the database's last schema change. */
  schema: number
  journalKeys: string[]
  publish: Publish
}
