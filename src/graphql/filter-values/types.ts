import { Field, ObjectType } from 'type-graphql'
import type { FilterValue } from '../../domain/filter-values.ts'
import { Access, READERS } from '../access.ts'
import { BigIntScalar } from '../scalars/big-int.ts'

@ObjectType('FilterValue', { description: 'A value of a dimension, for a filter to select by.' })
@Access(READERS)
export class FilterValueType implements FilterValue {
  @Field(() => String) value!: string
  @Field(() => BigIntScalar, { description: 'Records that have it, of those that the filter selects.' })
  recordCount!: bigint
}
