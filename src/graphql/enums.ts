import { registerEnumType } from 'type-graphql'
import { BREAKDOWN_ORDERS } from '../domain/breakdown.ts'
import { DIMENSION_NAMES, type Dimension } from '../domain/dimensions.ts'
import { MIGRATION_STATES } from '../domain/migration.ts'
import { SESSION_ORDERS } from '../domain/session-page.ts'
import { CACHE_STATUSES, DATA_SOURCES, ROUTING_REASONS, SOURCE_PREFERENCES } from '../domain/source.ts'
import { GRANULARITIES } from '../domain/time-buckets.ts'

/** The object that GraphQL calls an enum: each value under its own name. */
function enumOf<T extends string>(name: string, values: readonly T[]): { [K in T]: K } {
  const object = Object.fromEntries(values.map((value) => [value, value])) as { [K in T]: K }
  registerEnumType(object, { name })
  return object
}

export const DataSourceEnum = enumOf('DataSource', DATA_SOURCES)
export const SourcePreferenceEnum = enumOf('SourcePreference', SOURCE_PREFERENCES)
export const RoutingReasonEnum = enumOf('RoutingReason', ROUTING_REASONS)
export const CacheStatusEnum = enumOf('CacheStatus', CACHE_STATUSES)
export const GranularityEnum = enumOf('Granularity', GRANULARITIES)
export const BreakdownOrderEnum = enumOf('BreakdownOrder', BREAKDOWN_ORDERS)
export const SessionOrderEnum = enumOf('SessionOrder', SESSION_ORDERS)
export const ComponentStateEnum = enumOf('ComponentState', ['UP', 'DEGRADED', 'DOWN', 'OFF'])
export const DurabilityEnum = enumOf('Durability', ['STORED', 'JOURNALED'])
export const MigrationStateEnum = enumOf('MigrationState', MIGRATION_STATES)

/** Every dimension of the domain, under its name in capitals; a resolver gets the domain's own. */
export const DimensionEnum = Object.fromEntries(DIMENSION_NAMES.map((name) => [name.toUpperCase(), name])) as {
  [Name in Dimension as Uppercase<Name>]: Name
}
registerEnumType(DimensionEnum, { name: 'Dimension' })
