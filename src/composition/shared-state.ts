import { EventEmitter } from 'node:events'
import type { Config } from '../config.ts'
import type { AccessChange } from '../domain/access-change.ts'
import type { Logger } from '../observability/logger.ts'
import type { PreferenceEntry } from '../ports/journal.ts'
import { createSharedState, type SharedState } from '../shipping/shared-state.ts'
import type { WayIn } from './way-in.ts'

/** What is told of preferences and access in the database. */
export interface StateSide extends Pick<SharedState, 'join'> {
  /** Whoever listens to the journal's entries listens to these as well: they come in any order, and more than once. */
  events: Pick<EventEmitter<{ preference: [PreferenceEntry]; access: [AccessChange] }>, 'on'>
}

export function openStateSide(config: Config, { journal, events: ofJournal }: WayIn, logger: Logger): StateSide {
  const { url, embedded } = config.clickhouse
  const events = new EventEmitter<{ preference: [PreferenceEntry]; access: [AccessChange] }>()
  let wasLogged = false
  const shared = createSharedState({
    learn(entry) {
      if (entry.kind === 'preference') events.emit('preference', entry)
      else events.emit('access', entry)
    },
    onUnreadable(id) {
      if (!wasLogged)
        logger.warn({ id }, 'some operational state in the database cannot be read: a later release wrote it')
      wasLogged = true
    },
    whenRead: journal.whenRead,
    isAlone: url === undefined,
  })
  // without a database nobody would ever take them away
  if (url !== undefined || embedded) {
    ofJournal.on('preference', shared.add)
    ofJournal.on('access', shared.add)
  }
  return { events, join: shared.join }
}
