import { Field, ID, ObjectType } from 'type-graphql'
import type { DataSource, RoutingReason, SourceDecision, SourcePreference } from '../../domain/source.ts'
import { Access } from '../access.ts'
import { Size } from '../cost.ts'
import { DataSourceEnum, RoutingReasonEnum, SourcePreferenceEnum } from '../enums.ts'

@ObjectType('SourceDecision')
@Access('signed-in')
export class SourceDecisionType implements SourceDecision {
  @Field(() => DataSourceEnum) source!: DataSource
  @Field(() => RoutingReasonEnum) reason!: RoutingReason
}

@ObjectType('Viewer', { description: 'Who asks, and which source answers them now.' })
@Access('signed-in')
export class ViewerType {
  @Field(() => ID) userId!: string
  @Field(() => [String]) @Size(4) roles!: string[]
  @Field(() => String, { nullable: true }) cohort!: string | null
  @Field(() => SourceDecisionType) decision!: SourceDecision
  @Field(() => SourcePreferenceEnum) preference!: SourcePreference
}
