import { Field, ID, InputType, ObjectType } from 'type-graphql'
import { Access } from '../access.ts'
import { Size } from '../cost.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

const WITHIN =
  'A record is within a scope if every list that is there names its value. A token sees (an ingester: writes) what is within one of its scopes.'

@InputType('ScopeInput', { description: WITHIN })
export class ScopeInput {
  @Field(() => [String], { nullable: true }) users?: string[] | null
  @Field(() => [String], { nullable: true }) projects?: string[] | null
  @Field(() => [String], { nullable: true }) hosts?: string[] | null
}

@InputType('MachineTokenInput')
export class MachineTokenInput {
  @Field(() => ID) userId!: string
  @Field(() => [String]) roles!: string[]
  @Field(() => [ScopeInput], {
    nullable: true,
    description: 'Absent: everything. Each must lie within one of your own.',
  })
  access?: ScopeInput[] | null
  @Field(() => String, { nullable: true }) note?: string | null
  @Field(() => String, { nullable: true, description: 'Such as 90d, the default.' }) ttl?: string | null
}

@ObjectType('Scope', { description: WITHIN })
@Access('operator-of-a-part')
export class ScopeType {
  @Field(() => [String], { nullable: true }) @Size(10) users?: string[]
  @Field(() => [String], { nullable: true }) @Size(10) projects?: string[]
  @Field(() => [String], { nullable: true }) @Size(10) hosts?: string[]
}

@ObjectType('MachineToken', {
  description: 'A token that was made for a machine; itself it is told once, when it is made.',
})
@Access('operator-of-a-part')
export class MachineTokenType {
  @Field(() => ID, { description: 'What it is revoked by: its claim jti.' }) id!: string
  @Field(() => ID) userId!: string
  @Field(() => [String]) @Size(4) roles!: string[]
  @Field(() => [ScopeType], { nullable: true, description: 'Null: everything.' }) @Size(1) access!: ScopeType[] | null
  @Field(() => String, { nullable: true }) note?: string
  @Field(() => ID, { description: 'Who made it.' }) by!: string
  @Field(() => DateTimeScalar) createdAt!: number
  @Field(() => DateTimeScalar) expiresAt!: number
  @Field(() => DateTimeScalar, { nullable: true }) revokedAt?: number
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'As far as the instance knows that is asked: of its own requests, since its start.',
  })
  lastUsedAt?: number
}

@ObjectType('CreatedMachineToken')
@Access('operator-of-a-part')
export class CreatedMachineTokenType {
  @Field(() => String) token!: string
  @Field(() => MachineTokenType) machineToken!: MachineTokenType
}
