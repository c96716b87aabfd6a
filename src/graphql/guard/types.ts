import { Field, Float, ObjectType } from 'type-graphql'
import { Access } from '../access.ts'
import { BigIntScalar } from '../scalars/big-int.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

@ObjectType('Guard', { description: 'Whether everybody is on the files, whatever the flags say.' })
@Access(['operator'])
export class GuardType {
  @Field(() => Boolean) tripped!: boolean
  @Field(() => String, { nullable: true, description: 'Why it tripped last, or was reset.' }) reason!:
    | string
    | undefined
  @Field(() => DateTimeScalar, { nullable: true }) at!: number | undefined
  @Field(() => String, { nullable: true }) by!: string | undefined
  @Field(() => Float, {
    nullable: true,
    description: 'Share of compared questions to which both sources gave the same answer, 0 to 1; null where none was.',
  })
  consistency!: number | undefined
  @Field(() => BigIntScalar, { description: 'Questions that both sources were asked.' }) comparisons!: bigint
}
