import type { Config } from '../config.ts'
import { journalKey } from '../domain/log-name.ts'
import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { OtherJournals } from '../shipping/other-journals.ts'
import { createIngest, type Ingest } from '../writing/ingest.ts'
import { createPreferences, type Preferences } from '../writing/preferences.ts'
import { createDiskRoom } from './disk-room.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'
import type { StateSide } from './shared-state.ts'
import type { WayIn } from './way-in.ts'

/** What writes to the journal, and knows what is in it. */
export interface WritingSide {
  ingest: Ingest
  preferences: Preferences
}

/** How long a call that was journaled waits to be told STORED; calls that follow each other closely do not wait. */
const STORED_WAIT_MS = 75
const STREAM_MS = 1000

export interface WritingSideOptions {
  config: Config
  wayIn: WayIn
  state: Pick<StateSide, 'events'>
  legacy: Pick<LegacySource, 'hasRoom' | 'conflictsOf'>
  database: KeptDatabaseSide
  otherJournals: Pick<OtherJournals, 'telling'>
}

export function createWritingSide({
  config,
  wayIn,
  state,
  legacy,
  database,
  otherJournals,
}: WritingSideOptions): WritingSide {
  const { journal, events } = wayIn
  let lastIngestAt = Number.NEGATIVE_INFINITY
  const ingest = createIngest({
    journal: { append: (entry) => otherJournals.telling(() => journal.append(entry)) },
    hasRoom: legacy.hasRoom,
    requireDisk: createDiskRoom(config).require,
    conflictsOf: legacy.conflictsOf,
    isAcknowledged: journal.isAcknowledged,
    async whenStored({ segment, ...bytes }) {
      const now = performance.now()
      const waitMs = now - lastIngestAt < STREAM_MS ? 0 : STORED_WAIT_MS
      lastIngestAt = now
      const shipper = database.current()?.publishing()?.shipper
      return (await shipper?.whenPublished(journalKey(segment), bytes, waitMs)) ?? false
    },
  })
  const preferences = createPreferences({ journal, isRead: journal.isRead })
  events.on('ingest', ingest.remember)
  state.events.on('state', (entry) => {
    if (entry.kind === 'preference') preferences.remember(entry)
  })
  return { ingest, preferences }
}
