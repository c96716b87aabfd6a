import { Field, ID, InputType, Int, ObjectType } from 'type-graphql'
import { Access } from '../access.ts'
import { DurabilityEnum } from '../enums.ts'
import { BigIntScalar } from '../scalars/big-int.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

@InputType('TokenCountsInput')
class TokenCountsInput {
  @Field(() => BigIntScalar) input!: bigint
  @Field(() => BigIntScalar) output!: bigint
  @Field(() => BigIntScalar, { nullable: true, defaultValue: 0n }) cacheCreation?: bigint | null
  @Field(() => BigIntScalar, { nullable: true, defaultValue: 0n }) cacheRead?: bigint | null
}

@InputType('TokenRecordInput')
class TokenRecordInput {
  @Field(() => ID) sessionId!: string
  @Field(() => String) project!: string
  @Field(() => String) model!: string
  @Field(() => DateTimeScalar) occurredAt!: number
  @Field(() => TokenCountsInput) tokens!: TokenCountsInput
  @Field(() => String, { nullable: true }) messageId?: string | null
  @Field(() => String, { nullable: true }) requestId?: string | null
  @Field(() => String, { nullable: true }) user?: string | null
  @Field(() => String, { nullable: true }) host?: string | null
}

@InputType('IngestTokenRecordsInput')
export class IngestTokenRecordsInput {
  @Field(() => String, { nullable: true }) idempotencyKey?: string | null
  @Field(() => [TokenRecordInput]) records!: TokenRecordInput[]
}

@ObjectType('RejectedRecord')
@Access(['ingester'])
class RejectedRecordType {
  @Field(() => Int) index!: number
  @Field(() => String) code!: string
  @Field(() => String, { nullable: true }) field!: string | null
  @Field(() => String) message!: string
}

@ObjectType('IngestTokenRecordsPayload')
@Access(['ingester'])
export class IngestTokenRecordsPayload {
  @Field(() => Int) accepted!: number
  @Field(() => [RejectedRecordType]) rejected!: RejectedRecordType[]
  @Field(() => DurabilityEnum, { nullable: true }) durability!: keyof typeof DurabilityEnum | null
  @Field(() => Boolean) replayed!: boolean
}
