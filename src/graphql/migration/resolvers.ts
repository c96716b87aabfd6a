import { Arg, ID, Mutation, Query, Resolver, Subscription } from 'type-graphql'
import { Access, READERS } from '../access.ts'
import { TokenFilterInput, TokenMetricsType } from '../metrics/types.ts'
import { notImplemented } from '../not-implemented.ts'
import { MigrationType } from './types.ts'

@Resolver()
export class MigrationResolver {
  @Query(() => MigrationType, { nullable: true })
  @Access(['operator'])
  migration(@Arg('id', () => ID, { nullable: true }) _id: string | null): MigrationType | null {
    return notImplemented('migration')
  }

  @Mutation(() => MigrationType)
  @Access(['operator'])
  startMigration(): MigrationType {
    return notImplemented('startMigration')
  }

  @Mutation(() => MigrationType)
  @Access(['operator'])
  pauseMigration(@Arg('id', () => ID) _id: string): MigrationType {
    return notImplemented('pauseMigration')
  }

  @Mutation(() => MigrationType)
  @Access(['operator'])
  resumeMigration(@Arg('id', () => ID) _id: string): MigrationType {
    return notImplemented('resumeMigration')
  }

  @Mutation(() => MigrationType)
  @Access(['operator'])
  verifyMigration(@Arg('id', () => ID) _id: string): MigrationType {
    return notImplemented('verifyMigration')
  }

  @Mutation(() => MigrationType)
  @Access(['operator'])
  rollbackMigration(@Arg('id', () => ID) _id: string): MigrationType {
    return notImplemented('rollbackMigration')
  }
}

@Resolver()
export class SubscriptionResolver {
  @Subscription(() => TokenMetricsType, { subscribe: () => notImplemented('tokenMetricsUpdated') })
  @Access(READERS)
  tokenMetricsUpdated(
    @Arg('filter', () => TokenFilterInput, { nullable: true }) _filter: TokenFilterInput | null,
  ): TokenMetricsType {
    return notImplemented('tokenMetricsUpdated')
  }

  @Subscription(() => MigrationType, { subscribe: () => notImplemented('migrationProgressed') })
  @Access(['operator'])
  migrationProgressed(@Arg('id', () => ID) _id: string): MigrationType {
    return notImplemented('migrationProgressed')
  }
}
