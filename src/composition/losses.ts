import { LRUCache } from 'lru-cache'
import type { Losses } from '../domain/losses.ts'
import type { OpenJournal } from '../journal/journal.ts'
import { journalLosses } from '../shipping/losses.ts'
import type { OtherJournals } from '../shipping/other-journals.ts'
import type { DatabaseSide } from './database-side.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'

/** For so long the losses are taken to be the same. */
const LOSSES_MS = 1000
const NO_DATABASE = {}
/** Whoever publishes takes the stock. */
const NO_STOCK = { foreignSegments: [], lostRecords: 0 }

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
  // what others have published in the last second can be read by nobody but ClickHouse
  return () => losses.memo(database.current() ?? NO_DATABASE, { forceRefresh: otherJournals.known() })
}

function lossesOf(journal: OpenJournal, database: DatabaseSide | undefined): Losses {
  if (database === undefined) return journalLosses(journal.extents(), [])
  const { foreignSegments, lostRecords } = database.publishing()?.stock.latest() ?? NO_STOCK
  const losses = journalLosses(journal.extents(), [...database.ledger().journalEditions(), ...foreignSegments])
  return { ...losses, everywhere: losses.everywhere + lostRecords }
}
