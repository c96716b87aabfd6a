import type { Config } from '../config.ts'
import type { Logger } from '../observability/logger.ts'
import type { SourceHealth } from '../ports/token-source.ts'
import { createGuard, type Guard, type GuardState, NOT_KNOWN_YET } from '../rollout/guard.ts'
import type { StateSide } from './shared-state.ts'
import type { WayIn } from './way-in.ts'

export interface GuardSide extends Guard {
  /** Whether what the journal and the database say of it is known: before that nobody is on ClickHouse. */
  isKnown(): boolean
  health(): SourceHealth
}

export function openGuardSide(
  { clickhouse }: Config,
  { journal }: Pick<WayIn, 'journal'>,
  state: Pick<StateSide, 'events' | 'heardUntil'>,
  logger: Logger,
): GuardSide {
  const guard = createGuard({
    journal,
    onChange({ tripped, at, by, reason }) {
      if (tripped)
        logger.warn({ at, by, reason }, 'the guard has tripped: everybody is on the files (docs/runbooks/guard.md)')
      else logger.warn({ at, by, reason }, 'the guard was reset: flags and progress decide again')
    },
  })
  state.events.on('state', (entry) => {
    if (entry.kind === 'guard') guard.remember(entry)
  })
  const { url, embedded } = clickhouse
  const hasDatabase = url !== undefined || embedded
  const isKnown = (): boolean => journal.isRead() && (!hasDatabase || state.heardUntil() !== undefined)
  return { ...guard, isKnown, health: () => healthOf(guard.state(), isKnown()) }
}

function healthOf({ tripped, at, by, reason }: GuardState, isKnown: boolean): SourceHealth {
  if (!tripped) return isKnown ? { state: 'UP', detail: 'not tripped' } : { state: 'DEGRADED', detail: NOT_KNOWN_YET }
  return {
    state: 'DEGRADED',
    detail: `everybody is on the files since ${new Date(at ?? 0).toISOString()}, by ${by}: ${reason}`,
  }
}
