import { Field, Float, ObjectType } from 'type-graphql'
import type { BreakdownRow } from '../../domain/breakdown.ts'
import type { Dimension } from '../../domain/dimensions.ts'
import type { TokenCounts } from '../../domain/usage.ts'
import { Access, READERS } from '../access.ts'
import { Cost } from '../cost.ts'
import { DimensionEnum } from '../enums.ts'
import { COST, TokenCountsType } from '../metrics/types.ts'
import { BigIntScalar } from '../scalars/big-int.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

@ObjectType('DimensionValue', { description: "value: the dimension's text; true or false for SIDECHAIN." })
@Access(READERS)
export class DimensionValueType {
  @Field(() => DimensionEnum) dimension!: Dimension
  @Field(() => String) value!: string
}

@ObjectType('BreakdownRow', {
  description: 'One combination of the dimensions asked for, in one bucket where a granularity was asked for.',
})
@Access(READERS)
export class BreakdownRowType implements Omit<BreakdownRow, 'values'> {
  @Field(() => [DimensionValueType], { description: 'In the order in which they were asked for.' })
  @Cost({ size: (_args, { by }) => (by as readonly Dimension[]).length })
  values!: DimensionValueType[]
  @Field(() => Boolean, { description: 'The sum of all combinations that `first` cut off, without values.' })
  isOther!: boolean
  @Field(() => DateTimeScalar, { nullable: true }) start!: number | null
  @Field(() => String, { nullable: true, description: 'As in TokenBucket.' }) label!: string | null
  @Field(() => TokenCountsType) tokens!: TokenCounts
  @Field(() => BigIntScalar) recordCount!: bigint
  @Field(() => Float, { nullable: true, description: COST }) costUsd!: number | null
}
