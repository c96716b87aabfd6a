import { EventEmitter } from 'node:events'
import type { Config } from '../config.ts'
import type { Logger } from '../observability/logger.ts'
import type { StateEntry } from '../ports/journal.ts'
import { DAY_MS, firstKeptDay } from '../rollout/exposures.ts'
import { KEPT_MISMATCH_DAYS } from '../rollout/mismatches.ts'
import { createSharedState, type SharedState } from '../shipping/shared-state.ts'
import type { WayIn } from './way-in.ts'

/** What is known of preferences, access and the guard: from the journal, and from what others told in the database. */
export interface StateSide extends Pick<SharedState, 'join' | 'heardUntil'> {
  /** Entries come in any order, and more than once. Whoever listens begins in the turn in which it was opened. */
  events: Pick<EventEmitter<{ state: [StateEntry] }>, 'on'>
}

/** Nobody counts it any more, and the database does not tell it either. */
function isOutdated(entry: StateEntry): boolean {
  if (entry.kind === 'experiment') return entry.day < firstKeptDay(Date.now())
  return entry.kind === 'mismatch' && entry.at < Date.now() - KEPT_MISMATCH_DAYS * DAY_MS
}

export function openStateSide(config: Config, { journal, events: ofJournal }: WayIn, logger: Logger): StateSide {
  const { url, embedded } = config.clickhouse
  const events = new EventEmitter<{ state: [StateEntry] }>()
  let wasLogged = false
  const shared = createSharedState({
    learn: (entry) => void events.emit('state', entry),
    onUnreadable(id) {
      if (!wasLogged)
        logger.warn({ id }, 'some operational state in the database cannot be read: a later release wrote it')
      wasLogged = true
    },
    whenRead: journal.whenRead,
    isAlone: url === undefined,
  })
  ofJournal.on('state', (entry) => {
    events.emit('state', entry)
    // without a database nobody would ever take it away
    if ((url !== undefined || embedded) && !isOutdated(entry)) shared.add(entry)
  })
  return { events, join: shared.join, heardUntil: shared.heardUntil }
}
