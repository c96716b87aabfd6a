import { Field, Float, ID, Int, ObjectType } from 'type-graphql'
import { LIMITS } from '../../domain/limits.ts'
import type { Provenance } from '../../domain/source.ts'
import type { ModelUsage, SessionMetrics, TokenCounts } from '../../domain/usage.ts'
import { Access, READERS } from '../access.ts'
import { Cost, Size } from '../cost.ts'
import { ModelUsageType, ProvenanceType, TokenCountsType } from '../metrics/types.ts'
import { BigIntScalar } from '../scalars/big-int.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

@ObjectType('Session', {
  description:
    'Counts only what the filter selects. A session that spans projects or users shows those of its latest record.',
})
@Access(READERS)
export class SessionType implements SessionMetrics {
  @Field(() => ID) id!: string
  @Field(() => String) project!: string
  @Field(() => String) user!: string
  @Field(() => String) host!: string
  @Field(() => TokenCountsType) tokens!: TokenCounts
  @Field(() => BigIntScalar) recordCount!: bigint
  @Field(() => Float, { nullable: true }) costUsd!: number | null
  @Field(() => DateTimeScalar) startedAt!: number
  @Field(() => DateTimeScalar) lastActivityAt!: number
  @Field(() => [ModelUsageType]) @Size(3) byModel!: ModelUsage[]
  @Field(() => ProvenanceType) provenance!: Provenance
}

@ObjectType('SessionEdge')
@Access(READERS)
export class SessionEdgeType {
  @Field(() => String) cursor!: string
  @Field(() => SessionType) node!: SessionType
}

@ObjectType('PageInfo')
@Access(READERS)
export class PageInfoType {
  @Field(() => Boolean) hasNextPage!: boolean
  @Field(() => String, { nullable: true }) endCursor!: string | null
}

@ObjectType('SessionConnection')
@Access(READERS)
export class SessionConnectionType {
  @Field(() => [SessionEdgeType])
  @Cost({ size: (_args, { first }) => Math.min(Number(first), LIMITS.sessionsPage.value) })
  edges!: SessionEdgeType[]
  @Field(() => PageInfoType) pageInfo!: PageInfoType
  @Field(() => Int) totalCount!: number
}
