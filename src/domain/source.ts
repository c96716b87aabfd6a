/** Where an answer comes from. */
export const DATA_SOURCES = ['LEGACY', 'CLICKHOUSE', 'HYBRID'] as const
export type DataSource = (typeof DATA_SOURCES)[number]

export const SOURCE_PREFERENCES = ['AUTO', 'LEGACY', 'CLICKHOUSE'] as const
export type SourcePreference = (typeof SOURCE_PREFERENCES)[number]

/** Why that source answers this user now. */
export const ROUTING_REASONS = [
  'BRIDGE_DISABLED',
  'GUARD_TRIPPED',
  'HISTORICAL_DATA_DISABLED',
  'MIGRATION_BELOW_THRESHOLD',
  'USER_PREFERENCE',
  'EXPERIMENT',
  'ROLLOUT',
  'SOURCE_UNAVAILABLE',
] as const
export type RoutingReason = (typeof ROUTING_REASONS)[number]

/** What each means, for people. */
export const REASON_MEANINGS: Readonly<Record<RoutingReason, string>> = {
  BRIDGE_DISABLED: 'The flag database_bridge_enabled is off for this user, or there is no database.',
  GUARD_TRIPPED: 'A wrong answer was found, or an operator pulled the emergency brake: everybody is on the files.',
  HISTORICAL_DATA_DISABLED:
    'The flag historical_data_enabled is off, and the question reaches back to before the migration.',
  MIGRATION_BELOW_THRESHOLD: 'Less of the history is verified in ClickHouse than MIGRATION_PROGRESS_THRESHOLD.',
  USER_PREFERENCE: 'The user asked for this source, and may choose.',
  EXPERIMENT: 'The user’s arm of the experiment dashboard_ab_test.',
  ROLLOUT: 'There is no experiment, and everything else allows ClickHouse.',
  SOURCE_UNAVAILABLE: 'The source that was chosen cannot answer now: the files answer instead.',
}

export interface SourceDecision {
  source: DataSource
  reason: RoutingReason
}

export const CACHE_STATUSES = ['HIT', 'MISS', 'STALE', 'BYPASS'] as const
export type CacheStatus = (typeof CACHE_STATUSES)[number]

/** What an answer says of itself. */
export interface Provenance extends SourceDecision {
  /** The user's arm of the experiment. */
  cohort: string | null
  cache: CacheStatus
  /** Moment, in milliseconds since 1970, up to which the logs were counted. */
  asOf: number
  /** 0 to 1. */
  migrationProgress: number
  stale: boolean
  /** The built-in sample, because no transcripts were found: nobody's real figures. */
  sample: boolean
}
