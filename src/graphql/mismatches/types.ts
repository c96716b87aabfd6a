import { Field, ID, Int, ObjectType } from 'type-graphql'
import { LIMITS } from '../../domain/limits.ts'
import { Access } from '../access.ts'
import { Cost, Size } from '../cost.ts'
import { BigIntScalar } from '../scalars/big-int.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'
import { PageInfoType } from '../sessions/types.ts'

@ObjectType('Mismatch', { description: 'A field of an answer in which ClickHouse said something else than the files.' })
@Access(['operator'])
export class MismatchType {
  @Field(() => ID) id!: string
  @Field(() => DateTimeScalar) at!: number
  @Field(() => String, { description: 'Such as `whole[claude-opus-4-1].output`.' }) field!: string
  @Field(() => String, { description: 'What the files said.' }) control!: string
  @Field(() => String, { description: 'What ClickHouse said.' }) candidate!: string
  @Field(() => Boolean, { description: 'It was seen again at once: then the guard trips.' }) confirmed!: boolean
  @Field(() => String, { description: 'What was asked, as JSON, and nothing of who asked it.' }) question!: string
}

@ObjectType('MismatchEdge')
@Access(['operator'])
export class MismatchEdgeType {
  @Field(() => String) cursor!: string
  @Field(() => MismatchType) node!: MismatchType
}

@ObjectType('MismatchConnection')
@Access(['operator'])
export class MismatchConnectionType {
  @Field(() => [MismatchEdgeType])
  @Cost({ size: (_args, { first }) => Math.min(Number(first), LIMITS.mismatchesPage.value) })
  edges!: MismatchEdgeType[]
  @Field(() => PageInfoType) pageInfo!: PageInfoType
  @Field(() => Int, { description: 'Of those that are kept: the latest.' }) totalCount!: number
}

@ObjectType('DifferingField')
@Access(['operator'])
export class DifferingFieldType {
  @Field(() => String) field!: string
  @Field(() => String, { description: 'What the files say.' }) control!: string
  @Field(() => String, { description: 'What ClickHouse says.' }) candidate!: string
}

@ObjectType('SourceComparison', { description: 'What both sources say of the same records at the same moment.' })
@Access(['operator'])
export class SourceComparisonType {
  @Field(() => String, { description: 'As in `Mismatch`.' }) question!: string
  @Field(() => Boolean, { nullable: true, description: 'Null: they could not be compared.' }) agreed!: boolean | null
  @Field(() => String, { nullable: true, description: 'Why they could not be compared.' }) discarded!: string | null
  @Field(() => BigIntScalar, { description: 'How many records the files counted for it: of none, they say nothing.' })
  records!: bigint
  @Field(() => Boolean, { description: 'Archived records, which no transcript here tells, were left out.' })
  leavesArchived!: boolean
  @Field(() => [DifferingFieldType], { description: 'The first ones.' }) @Size(5) differences!: DifferingFieldType[]
}
