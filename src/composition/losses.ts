import { LRUCache } from 'lru-cache'
import type { Losses } from '../domain/losses.ts'
import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { OpenJournal } from '../journal/journal.ts'
import { journalLosses } from '../shipping/losses.ts'
import type { OtherJournals } from '../shipping/other-journals.ts'
import type { ArchivedSide } from './archived.ts'
import type { DatabaseSide } from './database-side.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'

/** For so long the losses are taken to be the same. */
const LOSSES_MS = 1000
const NO_DATABASE = {}

/** What was acknowledged or published and cannot be read now. */
export function createLosses(
  journal: OpenJournal,
  database: KeptDatabaseSide,
  otherJournals: Pick<OtherJournals, 'known'>,
): () => Losses {
  const losses = new LRUCache<object, Losses>({
    max: 1,
    ttl: LOSSES_MS,
    memoMethod: () => lossesOf(journal, database.current()),
  })
  // what was just noticed is told at once; what others have published in the last second can be read by ClickHouse alone
  return () =>
    losses.memo(database.current() ?? NO_DATABASE, { forceRefresh: journal.isBehind() || otherJournals.known() })
}

function lossesOf(journal: OpenJournal, database: DatabaseSide | undefined): Losses {
  if (database === undefined) return journalLosses(journal.extents(), [])
  const { foreignSegments, lostRecords } = database.losses()
  const losses = journalLosses(journal.extents(), [...database.ledger().journalEditions(), ...foreignSegments])
  return { ...losses, everywhere: losses.everywhere + lostRecords }
}

/** Transcripts are published, and this disk has none: they are elsewhere, or were pruned. */
export function lacksTranscripts(
  legacy: Pick<LegacySource, 'status'>,
  archived: Pick<ArchivedSide, 'hasTranscripts'>,
): boolean {
  const status = legacy.status()
  return status?.ready === true && status.transcripts === 0 && archived.hasTranscripts()
}
