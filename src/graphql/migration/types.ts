import { Field, Float, ID, Int, ObjectType } from 'type-graphql'
import { Access } from '../access.ts'
import { MigrationStateEnum } from '../enums.ts'
import { BigIntScalar } from '../scalars/big-int.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

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
  @Field(() => BigIntScalar, { nullable: true }) difference!: bigint | null
  @Field(() => DateTimeScalar) startedAt!: number
  @Field(() => DateTimeScalar, { nullable: true }) finishedAt!: number | null
  @Field(() => String, { nullable: true }) error!: string | null
}
