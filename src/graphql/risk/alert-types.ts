import { Field, ID, Int, ObjectType } from 'type-graphql'
import type { Alert, AlertState } from '../../risk/alert-history.ts'
import type { Severity } from '../../risk/indicators.ts'
import { Access } from '../access.ts'
import { Size } from '../cost.ts'
import { AlertStateEnum, SeverityEnum } from '../enums.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

const NULLABLE = { nullable: true } as const

@ObjectType('Alert', { description: 'Something is past its line, down or tripped, or was; of all instances together.' })
@Access(['operator'])
export class AlertType
  implements
    Pick<Alert, 'id' | 'name' | 'severity' | 'state' | 'level' | 'openedAt' | 'acknowledgedBy' | 'closedAt' | 'message'>
{
  @Field(() => ID) id!: string
  @Field(() => String, { description: 'An indicator, or what else it is about.' }) name!: string
  @Field(() => SeverityEnum, { description: 'The worst so far.' }) severity!: Severity
  @Field(() => AlertStateEnum) state!: AlertState
  @Field(() => Int, {
    description:
      '1; 2 after two hours that nobody has acknowledged it; 3 after eight. 1 again where it grew worse than what was acknowledged.',
  })
  level!: number
  @Field(() => DateTimeScalar) openedAt!: number
  @Field(() => String, NULLABLE) acknowledgedBy!: string | undefined
  @Field(() => DateTimeScalar, NULLABLE) closedAt!: number | undefined
  @Field(() => String) message!: string
  @Field(() => String, { description: 'What to do about it.' }) runbook!: string
}

@ObjectType('IncidentEvent')
@Access(['operator'])
export class IncidentEventType {
  @Field(() => DateTimeScalar) at!: number
  @Field(() => String) text!: string
  @Field(() => String, NULLABLE) by!: string | undefined
}

@ObjectType('Incident', { description: 'A critical alert, as it is looked back at.' })
@Access(['operator'])
export class IncidentType {
  @Field(() => ID, { description: 'That of its alert.' }) id!: string
  @Field(() => String) title!: string
  @Field(() => Int, { ...NULLABLE, description: 'The risk that has come true.' }) risk!: number | undefined
  @Field(() => DateTimeScalar, { description: 'It was seen to be well until then.' })
  startedAt!: number
  @Field(() => DateTimeScalar) detectedAt!: number
  @Field(() => DateTimeScalar, NULLABLE) resolvedAt!: number | undefined
  @Field(() => [IncidentEventType]) @Size(5) timeline!: IncidentEventType[]
}
