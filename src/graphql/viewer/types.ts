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

@ObjectType('DecisionFact')
@Access(['operator'])
export class DecisionFactType {
  @Field(() => String) name!: string
  @Field(() => String) value!: string
}

@ObjectType('DecisionExplanation', { description: 'Which source answers a user now, and what led there.' })
@Access(['operator'])
export class DecisionExplanationType {
  @Field(() => SourceDecisionType) decision!: SourceDecision
  @Field(() => String, { nullable: true, description: 'The arm of the experiment; null where that does not decide.' })
  cohort!: string | null
  @Field(() => String, { description: 'The row of the decision table that holds, in one line.' }) text!: string
  @Field(() => [DecisionFactType], { description: 'All that the decision depends on, in the order it is looked at.' })
  @Size(20)
  facts!: DecisionFactType[]
}
