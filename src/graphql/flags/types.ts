import { Field, ObjectType } from 'type-graphql'
import { Access } from '../access.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

@ObjectType('Flag', { description: 'A flag as it is for everybody; whom it counts for, its strategies say.' })
@Access(['operator'])
export class FlagType {
  @Field(() => String) name!: string
  @Field(() => String, { description: 'kill-switch, release, experiment, permission or operational, as in Unleash.' })
  kind!: string
  @Field(() => Boolean, { description: 'false where it is missing, too.' }) enabled!: boolean
  @Field(() => String, { description: 'Who answers for it.' }) owner!: string
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'The last day on which it should be there; null: it is there to stay.',
  })
  expectedEnd!: number | null
  @Field(() => Boolean, { description: 'That day is over.' }) overdue!: boolean
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When this instance saw it change last; null where it has not, yet.',
  })
  lastChangedAt!: number | undefined
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When it was heard last that it is so; null where Unleash was never reached.',
  })
  asOf!: number | undefined
}
