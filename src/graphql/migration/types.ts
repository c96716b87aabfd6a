import { Field, Float, ID, Int, ObjectType } from 'type-graphql'
import { Access } from '../access.ts'
import { Size } from '../cost.ts'
import { MigrationStateEnum } from '../enums.ts'
import { RefusedLinesType } from '../metrics/types.ts'
import { BigIntScalar } from '../scalars/big-int.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

@ObjectType('LogDifference', {
  description: 'Rows of one transcript and UTC day that are not what the transcript says.',
})
@Access(['operator'])
export class LogDifferenceType {
  @Field(() => String) path!: string
  @Field(() => String, { description: '`2026-04-02`, UTC.' }) day!: string
  @Field(() => Int, { description: 'Counted from 1; 0 where the file cannot be read.' }) firstLine!: number
  @Field(() => Int) lastLine!: number
  @Field(() => Int, { description: 'Rows that only the transcript has.' }) missing!: number
  @Field(() => Int, { description: 'Rows that only ClickHouse has.' }) surplus!: number
  @Field(() => Int, { description: 'Rows that both have, with other content.' }) altered!: number
  @Field(() => BigIntScalar, { description: 'Absolute, over records and all kinds.' }) tokens!: bigint
}

@ObjectType('Verification', { description: 'ClickHouse held against the transcripts and the journal, by numbers.' })
@Access(['operator'])
export class VerificationType {
  @Field(() => DateTimeScalar) at!: number
  @Field(() => BigIntScalar, {
    description: 'The sum of the absolute differences of records and each kind of tokens, over all groups of rows.',
  })
  difference!: bigint
  @Field(() => Int) logsCompared!: number
  @Field(() => [String], { description: 'At most 100.' }) @Size(100) logsDiffering!: string[]
  @Field(() => [LogDifferenceType], { description: 'The largest 20.' }) @Size(20) differences!: LogDifferenceType[]
  @Field(() => [String], {
    nullable: true,
    description:
      'Batches whose copies are not what was verified when they were shipped; null where it was not looked at.',
  })
  @Size(100)
  damagedBatches!: string[] | null
  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether what readers count does not follow from the copies; null where it was not looked at.',
  })
  winnersDiffer!: boolean | null
  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether the sums that readers are answered from are not those of what they count; null where there are none yet.',
  })
  sumsDiffer?: boolean | null
  @Field(() => [String], { description: 'Published logs that this bridge never shipped.' })
  @Size(100)
  surplusLogs!: string[]
  @Field(() => BigIntScalar, {
    description:
      'Of records with a copy that is not on disk any more: the tokens that count, less those that would without such copies.',
  })
  archivedTokens!: bigint
}

@ObjectType('MigrationAction', { description: 'Who did what to a run.' })
@Access(['operator'])
export class MigrationActionType {
  @Field(() => DateTimeScalar) at!: number
  @Field(() => String) by!: string
  @Field(() => String) action!: string
  @Field(() => String, { nullable: true }) detail?: string
}

@ObjectType('MigratedFile', { description: 'A transcript of the catalogue, as it was frozen before the first write.' })
@Access(['operator'])
export class MigratedFileType {
  @Field(() => String) path!: string
  @Field(() => BigIntScalar, { description: 'Up to which byte it is carried.' }) bytes!: bigint
  @Field(() => String, { nullable: true, description: 'SHA-256 of these bytes.' }) sha256!: string | null
  @Field(() => BigIntScalar) records!: bigint
  @Field(() => BigIntScalar, { description: 'Of those records that count.' }) tokens!: bigint
  @Field(() => BigIntScalar, { description: 'Lines whose record counts elsewhere, in this file or another.' })
  duplicateLines!: bigint
  @Field(() => [String], { description: 'Other files whose copies count instead.' }) @Size(3) owners!: string[]
  @Field(() => [RefusedLinesType]) @Size(3) refused!: RefusedLinesType[]
  @Field(() => Boolean, { description: 'Read back, compared and published.' }) verified!: boolean
}

@ObjectType('Migration')
@Access(['operator'])
export class MigrationType {
  @Field(() => ID) id!: string
  @Field(() => MigrationStateEnum) state!: keyof typeof MigrationStateEnum
  @Field(() => Float, { description: '0 to 1.' }) progress!: number
  @Field(() => Int) filesTotal!: number
  @Field(() => Int) filesVerified!: number
  @Field(() => Int) filesFailed!: number
  @Field(() => BigIntScalar) tokensTotal!: bigint
  @Field(() => BigIntScalar) tokensVerified!: bigint
  @Field(() => BigIntScalar, { description: 'Records to carry, copies of the same identity in other files included.' })
  recordsTotal!: bigint
  @Field(() => BigIntScalar) bytesTotal!: bigint
  @Field(() => BigIntScalar, { description: 'Lines of the catalogue whose record counts elsewhere.' })
  duplicateLines!: bigint
  @Field(() => [RefusedLinesType], { description: 'Lines of the catalogue that were refused.' })
  @Size(3)
  refused!: RefusedLinesType[]
  @Field(() => BigIntScalar, { nullable: true }) difference!: bigint | null
  @Field(() => Float, { nullable: true, description: 'While it runs, since it began or was resumed.' })
  tokensPerSecond!: number | null
  @Field(() => Float, { nullable: true, description: 'At this rate.' }) secondsLeft!: number | null
  @Field(() => Int, { description: 'What held it up since the server started.' }) errorCount!: number
  @Field(() => String, { nullable: true }) lastError!: string | null
  @Field(() => BigIntScalar, { description: "Of the server: its own heap and buffers, without ClickHouse's." })
  memoryBytes!: bigint
  @Field(() => [String], { description: 'What is past its line now: memory, error rate, duration, token variance.' })
  @Size(4)
  alarms!: string[]
  @Field(() => DateTimeScalar) startedAt!: number
  @Field(() => DateTimeScalar, { nullable: true }) finishedAt!: number | null
  @Field(() => String, { nullable: true }) error!: string | null
  @Field(() => VerificationType, { nullable: true, description: 'The latest.' }) verification!: VerificationType | null
  @Field(() => [MigratedFileType], { description: 'The catalogue; empty while it is PLANNED.' })
  @Size(500)
  files!: MigratedFileType[]
  @Field(() => [MigrationActionType]) @Size(20) history!: MigrationActionType[]
}

@ObjectType('MigrationRepair', { description: 'What a repair did, or would do.' })
@Access(['operator'])
export class MigrationRepairType {
  @Field(() => MigrationType) migration!: MigrationType
  @Field(() => [String], { description: 'Transcripts that are shipped anew.' }) @Size(100) reshipped!: string[]
  @Field(() => [String], { description: 'Logs that are taken out because they were never shipped.' })
  @Size(100)
  retired!: string[]
  @Field(() => Boolean) winnersRebuilt!: boolean
  @Field(() => Boolean) sumsRebuilt!: boolean
  @Field(() => Int, { description: 'Damaged batches of archived records: only a backup has them.' }) lost!: number
  @Field(() => Boolean) dryRun!: boolean
}

@ObjectType('MigrationPlan', { description: 'What a run would carry now; nothing was written.' })
@Access(['operator'])
export class MigrationPlanType {
  @Field(() => Int) files!: number
  @Field(() => BigIntScalar) bytes!: bigint
  @Field(() => BigIntScalar, { description: 'Records to send; what is published already is not.' }) records!: bigint
  @Field(() => Int) batches!: number
  @Field(() => BigIntScalar) tokens!: bigint
  @Field(() => BigIntScalar) duplicateLines!: bigint
  @Field(() => [RefusedLinesType]) @Size(3) refused!: RefusedLinesType[]
  @Field(() => Float, { description: 'By what earlier groups of this server took, or else what is usual.' })
  estimatedSeconds!: number
}

@ObjectType('BackupReport', { description: 'What was saved to, or restored from, a folder of the server.' })
@Access(['operator'])
export class BackupReportType {
  @Field(() => String) folder!: string
  @Field(() => Int) batches!: number
  @Field(() => Int) records!: number
  @Field(() => BigIntScalar, { description: 'Of all copies in the backup.' }) tokens!: bigint
  @Field(() => Int, { description: 'Batches that were there already.' }) skipped!: number
}
