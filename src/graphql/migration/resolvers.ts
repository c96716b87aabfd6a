import { Arg, Ctx, ID, Mutation, Query, Resolver, Subscription } from 'type-graphql'
import { BridgeError } from '../../domain/errors.ts'
import type { RunControl } from '../../migration/run-control.ts'
import { Access, READERS } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { TokenFilterInput, TokenMetricsType } from '../metrics/types.ts'
import { notImplemented } from '../not-implemented.ts'
import { MigrationType } from './types.ts'

function controlOf({ migrations }: RequestContext): RunControl {
  if (migrations === undefined)
    throw new BridgeError('SOURCE_UNAVAILABLE', 'there is no database now: token-bridge health tells why')
  return migrations
}

@Resolver()
export class MigrationResolver {
  @Query(() => MigrationType, { nullable: true, description: 'The run with this id; without one, the latest.' })
  @Access(['operator'])
  migration(
    @Arg('id', () => ID, { nullable: true }) id: string | null,
    @Ctx() { migrations }: RequestContext,
  ): MigrationType | null {
    return migrations?.report(id ?? undefined) ?? null
  }

  @Mutation(() => MigrationType, { description: 'Carries the whole history of the transcripts into ClickHouse.' })
  @Access(['operator'])
  startMigration(@Ctx() context: RequestContext): Promise<MigrationType> {
    return controlOf(context).start()
  }

  @Mutation(() => MigrationType, { description: 'Stops carrying until it is resumed; what is on its way is finished.' })
  @Access(['operator'])
  pauseMigration(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): MigrationType {
    return controlOf(context).pause(id)
  }

  @Mutation(() => MigrationType, { description: 'Goes on where it was.' })
  @Access(['operator'])
  resumeMigration(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): MigrationType {
    return controlOf(context).resume(id)
  }

  @Mutation(() => MigrationType, {
    description: 'Compares the files with ClickHouse once more; a run that differs is FAILED from then on.',
  })
  @Access(['operator'])
  verifyMigration(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<MigrationType> {
    return controlOf(context).verify(id)
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
