/** The flags as one user has them at one moment. */
export interface UserFlags {
  /** Kill switch: off puts everybody on legacy. */
  databaseBridge: boolean
  /** Off: ranges that begin before the cut-over are legacy. */
  historicalData: boolean
  /** Subscriptions deliver. */
  realTimeUpdates: boolean
  /** A user's own choice of source counts. */
  userSourceChoice: boolean
  /** Share of answers that the other source is asked for, too, 0 to 1. */
  shadowReads: number
  /**
   * The arm of the experiment; `null` only while it is known to be disabled: everyone is in the rollout. An experiment
   * that is missing, or gives no variant that is known, is `legacy`.
   */
  cohort: Cohort | null
}

export const COHORTS = ['legacy', 'database'] as const
export type Cohort = (typeof COHORTS)[number]

/** The names that engineers toggle in Unleash. */
export const FLAG_NAMES = {
  databaseBridge: 'database_bridge_enabled',
  historicalData: 'historical_data_enabled',
  realTimeUpdates: 'real_time_updates_enabled',
  experiment: 'dashboard_ab_test',
  userSourceChoice: 'user_source_choice_enabled',
  shadowReads: 'shadow_reads_enabled',
} as const satisfies Record<Exclude<keyof UserFlags, 'cohort'> | 'experiment', string>

export interface FlagsHealth {
  state: 'UP' | 'DEGRADED' | 'OFF'
  detail: string
  /** Milliseconds since something was heard of it; absent where it is a part of this process. */
  ageMs?: number | undefined
}

/** Feature flags. Reading them never fails: what is not known is off, which is legacy, and told by `health`. */
export interface Flags {
  /** Always with the user: without one, the experiment would not be sticky. */
  of(userId: string): UserFlags
  health(): FlagsHealth
  close(): void
}
