import { EventEmitter } from 'node:events'
import type { Config } from '../config.ts'
import type { Logger } from '../observability/logger.ts'
import type { Audit } from '../ports/audit.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import { createGuard, type Guard, type GuardState, NOT_KNOWN_YET } from '../rollout/guard.ts'
import type { StateSide } from './shared-state.ts'
import type { WayIn } from './way-in.ts'

export interface GuardSide extends Guard {
  /** It was reset, here or elsewhere. */
  events: Pick<EventEmitter<{ reset: [] }>, 'on'>
  /** Whether what the journal and the database say of it is known: before that nobody is on ClickHouse. */
  isKnown(): boolean
  health(): SourceHealth
}

export function openGuardSide(
  { clickhouse }: Config,
  { journal }: Pick<WayIn, 'journal'>,
  state: Pick<StateSide, 'events' | 'heardUntil'>,
  audit: Pick<Audit, 'count'>,
  logger: Logger,
): GuardSide {
  const events = new EventEmitter<{ reset: [] }>()
  const guard = createGuard({
    journal,
    onChange({ tripped, at, by, reason }) {
      if (tripped)
        logger.warn({ at, by, reason }, 'the guard has tripped: everybody is on the files (docs/runbooks/guard.md)')
      else {
        logger.warn({ at, by, reason }, 'the guard was reset: flags and progress decide again')
        events.emit('reset')
      }
    },
  })
  state.events.on('state', (entry) => {
    if (entry.kind === 'guard') guard.remember(entry)
  })
  const { url, embedded } = clickhouse
  const hasDatabase = url !== undefined || embedded
  const isKnown = (): boolean => journal.isRead() && (!hasDatabase || state.heardUntil() !== undefined)
  return { ...guard, ...noted(guard, audit), events, isKnown, health: () => healthOf(guard.state(), isKnown()) }
}

/** What the guard does by itself is in the audit log, too; what operators do is there as their mutation. */
function noted(guard: Guard, audit: Pick<Audit, 'count'>): Pick<Guard, 'trip' | 'reset'> {
  const note = (detail: string): void => audit.count({ action: 'guard', outcome: 'ok', detail })
  return {
    trip(reason, by) {
      // it counts from here on, whatever the disk says
      if (by === undefined && !guard.state().tripped) note('tripped by itself')
      return guard.trip(reason, by)
    },
    async reset(reason, by) {
      const wasTripped = guard.state().tripped
      const after = await guard.reset(reason, by)
      if (by === undefined && wasTripped && !after.tripped) note('reset by itself')
      return after
    },
  }
}

function healthOf({ tripped, at, by, reason }: GuardState, isKnown: boolean): SourceHealth {
  if (!tripped) return isKnown ? { state: 'UP', detail: 'not tripped' } : { state: 'DEGRADED', detail: NOT_KNOWN_YET }
  return {
    state: 'DEGRADED',
    detail: `everybody is on the files since ${new Date(at ?? 0).toISOString()}, by ${by}: ${reason}`,
  }
}
