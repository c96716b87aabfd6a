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
   * that is missing, or gives no variant that is known, is `legacy`. It is evaluated when it is read for the first time.
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

export type FlagKey = keyof typeof FLAG_NAMES

/** What is meant to go again says when; the rest stays. Kinds are named as Unleash names them. */
type FlagFacts = { owner: string } & (
  | { kind: 'release' | 'experiment'; expectedEnd: `${number}-${number}-${number}` }
  | { kind: 'kill-switch' | 'permission' | 'operational'; expectedEnd: null }
)

/** Of each flag, who answers for it, and by when (UTC) it should be gone: everybody has what it brings, or nobody. */
export const FLAG_FACTS: Readonly<Record<FlagKey, FlagFacts>> = {
  databaseBridge: { kind: 'kill-switch', owner: 'operations', expectedEnd: null },
  historicalData: { kind: 'release', owner: 'migration', expectedEnd: '2027-06-30' },
  realTimeUpdates: { kind: 'release', owner: 'dashboard', expectedEnd: '2027-06-30' },
  experiment: { kind: 'experiment', owner: 'migration', expectedEnd: '2027-03-31' },
  userSourceChoice: { kind: 'permission', owner: 'dashboard', expectedEnd: null },
  shadowReads: { kind: 'operational', owner: 'operations', expectedEnd: null },
}

/** What is known of the flags themselves, whoever asks. Moments are milliseconds since 1970. */
export interface KnownFlags {
  /** When it was heard last that they are so; absent where that was never heard. */
  asOf?: number | undefined
  /** Another number after each change. */
  version: number
  /** `lastChangedAt`: since they are looked at; absent where none has been seen. */
  flags: Readonly<Record<FlagKey, { enabled: boolean; lastChangedAt?: number | undefined }>>
}

export interface FlagsHealth {
  state: 'UP' | 'DEGRADED' | 'OFF'
  detail: string
  /** Milliseconds since something was heard of it; absent where it is a part of this process. */
  ageMs?: number | undefined
  /** How long it takes to answer (`Latency.ms`). */
  latencyMs?: number | undefined
}

/** What flags may be made to depend on, beside the user and their roles: where it runs. */
export interface FlagPlace {
  host?: string
  /** `production`, or `development`. */
  environment?: string
}

/** How the experiment is set up at this moment. */
export interface ExperimentSetup {
  enabled: boolean
  /** Of users whom it puts into the arm `database`, 0 to 1; `null` where that depends on the user. */
  share: number | null
}

/** Feature flags. Reading them never fails: what is not known is off, which is legacy, and told by `health`. */
export interface Flags {
  /** Always with the user: without one, the experiment would not be sticky. `roles`: those of the token that asks. */
  of(userId: string, roles?: readonly string[]): UserFlags
  known(): KnownFlags
  experiment(): ExperimentSetup
  /**
   * Tells whoever manages the flags that the experiment decided an answer of a user, for its usage figures;
   * `isFirst`: of this day and arm, which is told as an impression, too.
   */
  noteExposure(user: { userId: string; roles: readonly string[] }, cohort: Cohort, isFirst: boolean): void
  health(): FlagsHealth
  close(): void
}
