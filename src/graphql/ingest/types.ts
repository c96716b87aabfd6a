import { Field, ID, InputType, Int, ObjectType } from 'type-graphql'
import type { RejectedRecord } from '../../domain/rejected-record.ts'
import type { Unreadable } from '../../domain/unreadable.ts'
import type { SubmittedRecord } from '../../writing/submission.ts'
import { Access } from '../access.ts'
import { Size } from '../cost.ts'
import { DurabilityEnum } from '../enums.ts'
import { BigIntScalar } from '../scalars/big-int.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

type Count = bigint | Unreadable

/** What may be absent, too, has to be named: an input that lets nobody send it does not compile. */
type EachMember<T> = { [Member in keyof Required<T>]: T[Member] | undefined }
/** What nobody reads must not be there either: an input with more members than these does not compile. */
type NoOther<Input extends Record<Exclude<keyof Input, keyof Read>, never>, Read> = Input

@InputType('TokenCountsInput', { description: 'Each from 0 to 10^12.' })
class TokenCountsInput {
  @Field(() => BigIntScalar) input!: Count
  @Field(() => BigIntScalar) output!: Count
  @Field(() => BigIntScalar, { nullable: true, defaultValue: 0n }) cacheCreation?: Count | null
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Part of cacheCreation: written for an hour, which is dearer.',
  })
  cacheCreation1h?: Count | null
  @Field(() => BigIntScalar, { nullable: true, defaultValue: 0n }) cacheRead?: Count | null
}

@InputType('RecordOriginInput', { description: 'Where the sender has the record: decides between equal copies of it.' })
class RecordOriginInput {
  @Field(() => String) path!: string
  @Field(() => BigIntScalar) offset!: Count
}

@InputType('TokenRecordInput')
class TokenRecordInput implements EachMember<SubmittedRecord> {
  @Field(() => ID, { description: '1 to 100 of a-zA-Z0-9_-.' }) sessionId!: string
  @Field(() => String) project!: string
  @Field(() => String) model!: string
  @Field(() => DateTimeScalar) occurredAt!: number | Unreadable
  @Field(() => TokenCountsInput) tokens!: NoOther<TokenCountsInput, SubmittedRecord['tokens']>
  @Field(() => String, {
    nullable: true,
    description:
      'Records with the same message id are counted once: those of the user who was first. A short one is its user’s own.',
  })
  messageId: string | null | undefined
  @Field(() => String, { nullable: true }) requestId: string | null | undefined
  @Field(() => String, { nullable: true, description: 'The caller, if absent. One that the token may write for.' })
  user: string | null | undefined
  @Field(() => String, { nullable: true }) host: string | null | undefined
  @Field(() => String, { nullable: true, description: 'The git branch; none known, if absent.' })
  branch: string | null | undefined
  @Field(() => Boolean, { nullable: true, description: 'A copy of the main chain counts before one of a sidechain.' })
  sidechain: boolean | null | undefined
  @Field(() => ID, {
    nullable: true,
    description:
      'For token-bridge push: the identity that the enhanced analysis gave it, 32 hexadecimal digits. Whoever sent it first owns it.',
  })
  identity: string | null | undefined
  @Field(() => RecordOriginInput, { nullable: true, description: 'For token-bridge push.' })
  origin: NoOther<RecordOriginInput, NonNullable<SubmittedRecord['origin']>> | null | undefined
}

@InputType('IngestTokenRecordsInput')
export class IngestTokenRecordsInput {
  @Field(() => String, {
    nullable: true,
    description: 'The same key with the same records gives the first answer again; 1 to 200 characters.',
  })
  idempotencyKey?: string | null
  @Field(() => [TokenRecordInput], { description: 'At most 1000.' })
  records!: NoOther<TokenRecordInput, SubmittedRecord>[]
}

@ObjectType('RejectedRecord', {
  description:
    'One mistake in one record; the other records are accepted. A hundred are told in full, and of each further record the first one.',
})
@Access(['ingester'])
class RejectedRecordType implements RejectedRecord {
  @Field(() => Int, { description: 'Position in the call, from 0.' }) index!: number
  @Field(() => String) code!: RejectedRecord['code']
  @Field(() => String, { nullable: true }) field!: string
  @Field(() => String) message!: string
}

@ObjectType('IngestTokenRecordsPayload')
@Access(['ingester'])
export class IngestTokenRecordsPayload {
  @Field(() => Int) accepted!: number
  @Field(() => Int, { description: 'Records that were refused; with those that were accepted, all of the call.' })
  rejectedCount!: number
  @Field(() => [RejectedRecordType]) @Size(1100) rejected!: RejectedRecordType[]
  @Field(() => DurabilityEnum, {
    nullable: true,
    description:
      'JOURNALED: on disk, encrypted; STORED: published in ClickHouse, too. Null where nothing was accepted.',
  })
  durability!: keyof typeof DurabilityEnum | null
  @Field(() => Boolean, { description: 'The first answer to this idempotency key, again.' }) replayed!: boolean
}
