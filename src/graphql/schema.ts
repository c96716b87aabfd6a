import 'reflect-metadata'
import type { GraphQLSchema } from 'graphql'
import { buildSchema } from 'type-graphql'
import { enforceAccess } from './access.ts'
import { auditMutations } from './audit.ts'
import { AuditResolver } from './audit-log/resolvers.ts'
import { BreakdownResolver } from './breakdown/resolvers.ts'
import { meterLists } from './cost.ts'
import { ExperimentResolver } from './experiment/resolvers.ts'
import { FilterValuesResolver } from './filter-values/resolvers.ts'
import { FlagsResolver } from './flags/resolvers.ts'
import { GuardResolver } from './guard/resolvers.ts'
import { HealthResolver } from './health/resolvers.ts'
import { IngestResolver, withPlainRecords } from './ingest/resolvers.ts'
import { enforceIsolation } from './isolation/enforce.ts'
import { IsolationResolver } from './isolation/resolvers.ts'
import { notePassingQueries } from './lasting.ts'
import { TokenMetricsResolver } from './metrics/resolvers.ts'
import { MetricsSubscriptionResolver } from './metrics/subscription.ts'
import { BackupResolver, MigrationResolver, MigrationSubscriptionResolver } from './migration/resolvers.ts'
import { MismatchResolver } from './mismatches/resolvers.ts'
import { notImplemented } from './not-implemented.ts'
import { AlertResolver } from './risk/alert-resolvers.ts'
import { RiskResolver } from './risk/resolvers.ts'
import { SessionResolver } from './sessions/resolvers.ts'
import { TokenResolver } from './tokens/resolvers.ts'
import { ViewerResolver } from './viewer/resolvers.ts'

/** The schema, with every field behind its access rule, every list metered, and every mutation noted. */
export async function createSchema(): Promise<GraphQLSchema> {
  const schema = await buildSchema({
    resolvers: [
      TokenMetricsResolver,
      BreakdownResolver,
      FilterValuesResolver,
      SessionResolver,
      ViewerResolver,
      TokenResolver,
      AuditResolver,
      IsolationResolver,
      FlagsResolver,
      GuardResolver,
      ExperimentResolver,
      MismatchResolver,
      RiskResolver,
      AlertResolver,
      HealthResolver,
      IngestResolver,
      MigrationResolver,
      BackupResolver,
      MetricsSubscriptionResolver,
      MigrationSubscriptionResolver,
    ],
    // GraphQL checks the shape of arguments, resolvers what they mean
    validate: false,
    // type-graphql demands a pub/sub; our subscriptions are iterators of their own and need none
    pubSub: { publish() {}, subscribe: () => notImplemented('topics') },
  })
  // outermost: what is refused is noted, too
  return auditMutations(enforceIsolation(enforceAccess(meterLists(notePassingQueries(withPlainRecords(schema))))))
}
