import { Field, Float, Int, ObjectType } from 'type-graphql'
import type { IndicatorState, Severity } from '../../risk/indicators.ts'
import type { Impact } from '../../risk/risks.ts'
import { Access } from '../access.ts'
import { Size } from '../cost.ts'
import { IndicatorStateEnum, SeverityEnum } from '../enums.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

@ObjectType('Indicator', {
  description: 'Something that is measured, and warns of a risk. As the instance that is asked measures it.',
})
@Access(['operator'])
export class IndicatorType {
  @Field(() => String) name!: string
  @Field(() => Float, { nullable: true, description: 'null where it was not measured.' }) value!: number | null
  @Field(() => String, { description: 'ratio: 0 to 1.' }) unit!: string
  @Field(() => Float, { nullable: true, description: 'From here on it warns.' }) alarmLine!: number | null
  @Field(() => Float, { nullable: true, description: 'From here on what was promised is broken.' }) threshold!:
    | number
    | null
  @Field(() => SeverityEnum, { description: 'Of the threshold.' }) severity!: Severity
  @Field(() => IndicatorStateEnum) state!: IndicatorState
  @Field(() => DateTimeScalar, { nullable: true }) measuredAt!: number | null
  @Field(() => String, { description: 'Where its value comes from; whether it is measured here, or entered.' })
  source!: string
}

@ObjectType('Risk', { description: 'A risk of the matrix, with its score there.' })
@Access(['operator'])
export class RiskType {
  @Field(() => Int) number!: number
  @Field(() => String) title!: string
  @Field(() => String) category!: string
  @Field(() => Int, { description: '1 to 10.' }) probability!: number
  @Field(() => String, { description: 'Low, Medium, High or Critical.' }) impact!: Impact
  @Field(() => [IndicatorType]) @Size(6) indicators!: IndicatorType[]
  @Field(() => String, { description: 'What to do about it.' }) runbook!: string
}
