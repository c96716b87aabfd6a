import { type Action, MIGRATION_STATES, type MigrationState } from '../domain/migration.ts'
import { finish, freeze, rollBack, type Step } from './run-steps.ts'

/** What may become of a run in one of its states. */
interface StateRules {
  /** What an operator may do; `start` begins the next run. */
  actions: readonly Action['action'][]
  /** What of the transcripts is shipped: up to the bytes of the catalogue, or all that there is. */
  carries: 'none' | 'catalogue' | 'all'
  /** Done before anything else is shipped. */
  before?: Step
  /** Done when nothing is left to ship. */
  whenIdle?: Step
}

const ENDED = ['start', 'verify', 'repair', 'rollback'] as const

export const TRANSITIONS: Record<MigrationState, StateRules> = {
  PLANNED: { actions: ['rollback'], carries: 'none', before: freeze },
  RUNNING: { actions: ['pause', 'rollback'], carries: 'catalogue', whenIdle: finish },
  PAUSED: { actions: ['resume', 'rollback'], carries: 'none' },
  VERIFYING: { actions: ['rollback'], carries: 'none', whenIdle: finish },
  COMPLETED: { actions: ENDED, carries: 'all' },
  FAILED: { actions: ENDED, carries: 'none' },
  ROLLING_BACK: { actions: ['rollback'], carries: 'none', before: rollBack },
  ROLLED_BACK: { actions: ['start', 'rollback'], carries: 'none' },
}

/** The states in which something may be done. */
export const statesFor = (action: Action['action']): MigrationState[] =>
  MIGRATION_STATES.filter((state) => TRANSITIONS[state].actions.includes(action))

/** Nothing happens to the run any more unless somebody does something. */
export const isEnded = (state: MigrationState): boolean => TRANSITIONS[state].actions.includes('start')
