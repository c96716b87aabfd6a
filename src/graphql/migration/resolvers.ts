import { Arg, Ctx, ID, Mutation, Query, Resolver, Root, Subscription } from 'type-graphql'
import type { Backups } from '../../backup/backup.ts'
import { BridgeError, invalidArgument } from '../../domain/errors.ts'
import { duplicatesOf } from '../../migration/plan.ts'
import type { RunControl } from '../../migration/run-control.ts'
import type { MigrationReport } from '../../migration/run-report.ts'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { BackupReportType, MigrationPlanType, MigrationRepairType, MigrationType } from './types.ts'

function controlOf(context: RequestContext): RunControl {
  if (context.migrations === undefined) throw noDatabase(context)
  return context.migrations
}

const databaseOf = ({ health }: RequestContext) => health().find(({ name }) => name === 'clickhouse')

const noDatabase = (context: RequestContext): BridgeError =>
  new BridgeError(
    'SOURCE_UNAVAILABLE',
    `the database cannot be used now: ${databaseOf(context)?.detail}; try again, or see token-bridge health`,
  )

@Resolver()
export class MigrationResolver {
  @Query(() => MigrationType, { nullable: true, description: 'The run with this id; without one, the latest.' })
  @Access(['operator'])
  migration(
    @Arg('id', () => ID, { nullable: true }) id: string | null,
    @Ctx() context: RequestContext,
  ): MigrationType | null {
    const { migrations } = context
    // a database that is away may have runs, so that is an error; without a configured database there are none
    if (migrations === undefined && databaseOf(context)?.state !== 'OFF') throw noDatabase(context)
    const report = migrations?.report(id ?? undefined)
    return report === undefined || migrations === undefined ? null : toMigration(report, migrations)
  }

  @Query(() => MigrationPlanType, {
    description:
      'A dry run: everything that a run does but writing; what there is to carry, and how long it will take.',
  })
  @Access(['operator'])
  migrationPlan(@Ctx() context: RequestContext): Promise<MigrationPlanType> {
    return controlOf(context).plan()
  }

  @Mutation(() => MigrationType, { description: 'Carries the whole history of the transcripts into ClickHouse.' })
  @Access(['operator'])
  async startMigration(@Ctx() context: RequestContext): Promise<MigrationType> {
    const control = controlOf(context)
    await control.requireStartable()
    return keptMigration(control.start(byOf(context)), control)
  }

  @Mutation(() => MigrationType, { description: 'Stops carrying until it is resumed; what is on its way is finished.' })
  @Access(['operator'])
  async pauseMigration(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<MigrationType> {
    const control = controlOf(context)
    return keptMigration(control.pause(id, byOf(context)), control)
  }

  @Mutation(() => MigrationType, { description: 'Goes on where it was.' })
  @Access(['operator'])
  async resumeMigration(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<MigrationType> {
    const control = controlOf(context)
    return keptMigration(control.resume(id, byOf(context)), control)
  }

  @Mutation(() => MigrationType, {
    description:
      'Compares the files with ClickHouse once more, down to every copy; a run that differs is FAILED from then on.',
  })
  @Access(['operator'])
  async verifyMigration(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<MigrationType> {
    const control = controlOf(context)
    return keptMigration(await control.verify(id, byOf(context)), control)
  }

  @Mutation(() => MigrationRepairType, {
    description:
      'Verifies, and mends what differs: the run goes on until it is verified again. A dry run tells what it would do.',
  })
  @Access(['operator'])
  async repairMigration(
    @Arg('id', () => ID) id: string,
    @Arg('dryRun', () => Boolean, { defaultValue: true }) dryRun: boolean,
    @Ctx() context: RequestContext,
  ): Promise<MigrationRepairType> {
    const control = controlOf(context)
    const repair = await control.repair(id, byOf(context), dryRun)
    return { ...repair, migration: await keptMigration(repair.migration, control) }
  }

  @Mutation(() => MigrationType, {
    description:
      'Puts all readers back on the files at once, then takes out what came from transcripts. Records that came by mutation stay; archived ones are kept for a later run, unless discardArchived says otherwise.',
  })
  @Access(['operator'])
  async rollbackMigration(
    @Arg('id', () => ID) id: string,
    @Arg('discardArchived', () => Boolean, { defaultValue: false }) discardArchived: boolean,
    @Ctx() context: RequestContext,
  ): Promise<MigrationType> {
    const control = controlOf(context)
    return keptMigration(control.rollback(id, byOf(context), discardArchived), control)
  }
}

function backupsOf(context: RequestContext): Backups {
  if (context.backups === undefined) throw noDatabase(context)
  return context.backups
}

@Resolver()
export class BackupResolver {
  @Mutation(() => BackupReportType, {
    description:
      'Saves what only ClickHouse still has (archived records, and those that came by mutation), or all, to a folder of the server.',
  })
  @Access(['operator'])
  backupMigration(
    @Arg('name', () => String, { nullable: true }) name: string | null,
    @Arg('all', () => Boolean, { defaultValue: false }) all: boolean,
    @Ctx() context: RequestContext,
  ): Promise<BackupReportType> {
    return backupsOf(context).backup(name ?? undefined, all)
  }

  @Mutation(() => BackupReportType, {
    description: 'Brings back what the database lacks of a backup, verified. May be repeated.',
  })
  @Access(['operator'])
  restoreMigration(@Arg('name', () => String) name: string, @Ctx() context: RequestContext): Promise<BackupReportType> {
    return backupsOf(context).restore(name)
  }
}

const byOf = ({ principal }: RequestContext): string => principal.userId

/** What was done to a run is told once whoever goes on with it would know. */
async function keptMigration(report: MigrationReport, control: RunControl): Promise<MigrationType> {
  return toMigration(await control.kept(report), control)
}

function toMigration(report: MigrationReport, { isVerified }: RunControl): MigrationType {
  const { catalogue, verification, history, ...rest } = report
  const refused = new Map<string, bigint>()
  let duplicateLines = 0n
  for (const log of catalogue) {
    for (const [reason, count] of Object.entries(log.refused ?? {}))
      refused.set(reason, (refused.get(reason) ?? 0n) + BigInt(count))
    duplicateLines += BigInt(duplicatesOf(log.duplicates))
  }
  return {
    ...rest,
    recordsTotal: BigInt(report.recordsTotal),
    duplicateLines,
    refused: [...refused].map(([reason, count]) => ({ reason, count })),
    memoryBytes: BigInt(report.memoryBytes),
    verification:
      verification === undefined
        ? null
        : {
            ...verification,
            difference: BigInt(verification.difference),
            archivedTokens: BigInt(verification.archivedTokens),
            differences: verification.differences.map((one) => ({ ...one, tokens: BigInt(one.tokens) })),
          },
    history: history ?? [],
    // only where it is asked for: a long history has many
    get files() {
      return catalogue.map((log) => ({
        path: log.path,
        bytes: BigInt(log.to),
        sha256: log.sha256 || null,
        records: BigInt(log.records),
        tokens: BigInt(log.tokens),
        duplicateLines: BigInt(duplicatesOf(log.duplicates)),
        owners: Object.keys(log.duplicates?.owners ?? {}),
        refused: Object.entries(log.refused ?? {}).map(([reason, count]) => ({ reason, count: BigInt(count) })),
        verified: isVerified(log),
      }))
    },
  }
}

@Resolver()
export class MigrationSubscriptionResolver {
  @Subscription(() => MigrationType, {
    description: 'The run now, whenever something of it changes (at most four times a second), and at its end.',
    subscribe: ({ context, args }) => {
      const control = controlOf(context as RequestContext)
      const { id } = args as { id: string }
      if (control.report(id) === undefined) throw invalidArgument('id', `there is no migration ${id}`)
      return control.follow(id)
    },
  })
  @Access(['operator'])
  migrationProgressed(
    @Arg('id', () => ID) _id: string,
    @Root() report: MigrationReport,
    @Ctx() context: RequestContext,
  ): MigrationType {
    return toMigration(report, controlOf(context))
  }
}
