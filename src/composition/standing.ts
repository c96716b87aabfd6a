import type { Losses } from '../domain/losses.ts'
import { DATA_SOURCES } from '../domain/source.ts'
import type { LegacySource } from '../enhanced-analysis/service/legacy-source.ts'
import type { Flags } from '../ports/flags.ts'
import type { OtherJournals } from '../shipping/other-journals.ts'
import type { ArchivedSide } from './archived.ts'
import type { GuardSide } from './guard.ts'
import type { KeptDatabaseSide } from './kept-database-side.ts'
import { lacksTranscripts } from './losses.ts'
import type { ReadingSide } from './reading-side.ts'

export interface StandingOptions {
  legacy: LegacySource
  database: KeptDatabaseSide
  reading: ReadingSide
  flags: Flags
  guard: GuardSide
  archived: ArchivedSide
  otherJournals: OtherJournals
  losses: () => Losses
}

/**
 * Everything that answers follow from, whoever asks, as a text: while it is the same, so are they. Nothing is asked for
 * it. A new fact of the decision (`viewerOf` in `requests.ts`) has its place here, too.
 */
export const createStanding =
  ({ legacy, database, reading, flags, guard, archived, otherJournals, losses }: StandingOptions) =>
  (): string => {
    const open = database.current()
    const side = open?.isFresh() ? open : undefined
    return JSON.stringify([
      DATA_SOURCES.map((name) => reading.sourceOf(name, side)?.state()),
      [side?.runs().progress(), side?.runs().cutOverAt(), side?.ledger().generation()],
      [legacy.isAllPublished(), lacksTranscripts(legacy, archived), losses(), otherJournals.mayLack()],
      [guard.isKnown(), guard.state().tripped, flags.known().version, database.health().state],
    ])
  }
