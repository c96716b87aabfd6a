import { registerEnumType } from 'type-graphql'
import { BREAKDOWN_ORDERS, SESSION_ORDERS } from '../domain/cuts.ts'
import { DIMENSION_NAMES, type Dimension } from '../domain/dimensions.ts'
import { MIGRATION_STATES } from '../domain/migration.ts'
import { CACHE_STATUSES, DATA_SOURCES, REASON_MEANINGS, ROUTING_REASONS, SOURCE_PREFERENCES } from '../domain/source.ts'
import { GRANULARITIES } from '../domain/time-buckets.ts'
import { ALERT_STATES } from '../risk/alert-history.ts'
import { INDICATOR_STATES, SEVERITIES } from '../risk/indicators.ts'
import { ARM_VERDICTS } from '../rollout/comparison.ts'

/** The object that GraphQL calls an enum: each value under its own name, with what it means. */
function enumOf<T extends string>(
  name: string,
  values: readonly T[],
  description: string,
  meanings: Readonly<Record<T, string>>,
): { [K in T]: K } {
  const object = Object.fromEntries(values.map((value) => [value, value])) as { [K in T]: K }
  const valuesConfig = Object.fromEntries(values.map((value) => [value, { description: meanings[value] }]))
  registerEnumType(object, { name, description, valuesConfig: valuesConfig as Record<T, { description: string }> })
  return object
}

export const DataSourceEnum = enumOf('DataSource', DATA_SOURCES, 'Where an answer comes from.', {
  LEGACY: 'The transcripts on disk and the journal, counted directly.',
  CLICKHOUSE: 'What is published in ClickHouse.',
  HYBRID: 'ClickHouse for what is published and verified there, the files for the rest; nothing twice.',
})
export const SourcePreferenceEnum = enumOf(
  'SourcePreference',
  SOURCE_PREFERENCES,
  'Which source somebody wants to be answered by.',
  {
    AUTO: 'As the flags and the migration allow.',
    LEGACY: 'The files.',
    CLICKHOUSE: 'ClickHouse, or hybrid while it has not everything.',
  },
)
export const RoutingReasonEnum = enumOf(
  'RoutingReason',
  ROUTING_REASONS,
  'Why a source answers this user now; the first that holds.',
  REASON_MEANINGS,
)
export const CacheStatusEnum = enumOf(
  'CacheStatus',
  CACHE_STATUSES,
  'Whether an answer was computed for this question.',
  {
    HIT: 'It was computed before, and nothing has changed since.',
    MISS: 'It was computed now.',
    STALE: 'It was computed before; a newer one is on its way.',
    BYPASS: 'No answer is kept at present.',
  },
)
export const GranularityEnum = enumOf(
  'Granularity',
  GRANULARITIES,
  'The length of a bucket, by the clock of a time zone.',
  {
    HOUR: 'An hour; one that the clocks repeat is two.',
    DAY: 'A calendar day, of 23 to 25 hours.',
    WEEK: 'An ISO 8601 week: from Monday.',
    MONTH: 'A calendar month.',
  },
)
export const BreakdownOrderEnum = enumOf(
  'BreakdownOrder',
  BREAKDOWN_ORDERS,
  'Which combinations come first, and so what `first` cuts off.',
  {
    TOKENS_DESC: 'The most tokens first.',
    COST_DESC: 'The dearest first; what has no price comes last.',
    RECORDS_DESC: 'The most records first.',
    VALUE_ASC: 'By their values, as UTF-8 bytes.',
  },
)
export const SessionOrderEnum = enumOf(
  'SessionOrder',
  SESSION_ORDERS,
  'The order of sessions; equal ones are ordered by their id.',
  {
    LAST_ACTIVITY_DESC: 'The latest record first.',
    LAST_ACTIVITY_ASC: 'The longest without a record first.',
    STARTED_DESC: 'The one that began last first.',
    STARTED_ASC: 'The one that began first first.',
    TOKENS_DESC: 'The most tokens first.',
    TOKENS_ASC: 'The fewest tokens first.',
    COST_DESC: 'The dearest first; what has no price comes last.',
    COST_ASC: 'What has no price first, then the cheapest.',
  },
)
export const ComponentStateEnum = enumOf(
  'ComponentState',
  ['UP', 'DEGRADED', 'DOWN', 'OFF'],
  'How a part of the bridge is.',
  {
    UP: 'It works.',
    DEGRADED: 'It works in part; `detail` says what is missing.',
    DOWN: 'It does not work; `detail` says why.',
    OFF: 'It is not configured.',
  },
)
export const DurabilityEnum = enumOf('Durability', ['STORED', 'JOURNALED'], 'Where accepted records are safe.', {
  STORED: 'In the journal on disk and in ClickHouse.',
  JOURNALED: 'In the journal on disk; on their way into ClickHouse where that is on.',
})
export const MigrationStateEnum = enumOf('MigrationState', MIGRATION_STATES, 'Where a run of the migration stands.', {
  PLANNED: 'What it will carry is being listed.',
  RUNNING: 'It carries the history into ClickHouse.',
  PAUSED: 'An operator stopped it; it goes on where it was.',
  VERIFYING: 'What was carried is read back and compared.',
  COMPLETED: 'Everything that was listed is in ClickHouse, compared with a difference of 0.',
  FAILED:
    'It stopped at what `error` says; it can be verified again, repaired or rolled back, and another one be started.',
  ROLLING_BACK: 'What it carried is being taken out of what readers see.',
  ROLLED_BACK: 'Nothing that it carried is seen any more.',
})

export const ArmVerdictEnum = enumOf(
  'ArmVerdict',
  ARM_VERDICTS,
  'What is known of how the database does beside legacy.',
  {
    WAITING: 'Too little: `reason` says how many more questions it takes.',
    HEALTHY: 'It is not worse by more than it may be.',
    REGRESSED: 'It is worse.',
    INCONCLUSIVE: 'It cannot be told, and more questions do not help: `reason` says why.',
  },
)

/** Every dimension of the domain, under its name in capitals; a resolver gets the domain's own. */
export const DimensionEnum = Object.fromEntries(DIMENSION_NAMES.map((name) => [name.toUpperCase(), name])) as {
  [Name in Dimension as Uppercase<Name>]: Name
}
registerEnumType(DimensionEnum, {
  name: 'Dimension',
  description: 'What records are told apart by.',
  valuesConfig: {
    PROJECT: { description: 'The folder of the transcript, or what was sent in.' },
    MODEL: { description: 'The model that answered.' },
    SESSION: { description: 'A conversation with the agent.' },
    USER: { description: 'Whose usage it is.' },
    HOST: { description: 'The machine on which it was.' },
    BRANCH: { description: 'The git branch; the empty string is: none known.' },
    SIDECHAIN: { description: 'true: of a sub-agent; false: of the main conversation.' },
  } satisfies Record<Uppercase<Dimension>, { description: string }>,
})

export const DatabaseAccessEnum = enumOf(
  'DatabaseAccess',
  ['REVOKED', 'KEPT', 'NONE'],
  "Of the bridge's user to the database server, while the bridge is isolated.",
  {
    REVOKED: 'The bridge has taken it away.',
    KEPT: 'The bridge may not take it away: an administrator can, by `sql`.',
    NONE: 'There is no database server.',
  },
)

export const SeverityEnum = enumOf('Severity', SEVERITIES, 'How bad it is when a threshold is crossed.', {
  MEDIUM: 'It warns, or can be recovered with some effort.',
  HIGH: 'What was promised to users is broken.',
  CRITICAL: 'Figures may be wrong or lost.',
})
export const IndicatorStateEnum = enumOf('IndicatorState', INDICATOR_STATES, 'Where an indicator of risk stands.', {
  OK: 'Before all of its lines.',
  ALARM: 'Past the line that warns.',
  BREACHED: 'Past the threshold.',
  UNKNOWN: 'It was not measured: nothing is said.',
})
export const AlertStateEnum = enumOf('AlertState', ALERT_STATES, 'Where an alert stands.', {
  OPEN: 'Nobody has seen to it: it goes up a level after 2 and after 8 hours.',
  ACKNOWLEDGED: 'Somebody sees to it.',
  CLOSED: 'It is so no more.',
})
