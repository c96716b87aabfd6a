import { GraphQLString } from 'graphql'
import { Field, Float, ID, InputType, ObjectType } from 'type-graphql'
import type { FilterInput } from '../../domain/dimensions.ts'
import { REFUSAL_REASONS } from '../../domain/refusal.ts'
import type { CacheStatus, DataSource, Provenance as DomainProvenance, RoutingReason } from '../../domain/source.ts'
import type { Unreadable } from '../../domain/unreadable.ts'
import type { ModelUsage, TokenCounts, Usage } from '../../domain/usage.ts'
import type { Question } from '../../reading/answers.ts'
import { Access, READERS } from '../access.ts'
import { Size } from '../cost.ts'
import { CacheStatusEnum, DataSourceEnum, RoutingReasonEnum } from '../enums.ts'
import { BigIntScalar } from '../scalars/big-int.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

@InputType('TokenFilter', {
  description: 'Which records are counted; what is absent selects all. Half-open: from <= time < to.',
})
export class TokenFilterInput implements FilterInput {
  // names are of GraphQL's own type: type-graphql copies a list of any other, for each alias that shares it
  @Field(() => DateTimeScalar, { nullable: true, description: 'First moment.' })
  from?: number | Unreadable | null
  @Field(() => DateTimeScalar, { nullable: true, description: 'End, itself not included.' })
  to?: number | Unreadable | null
  @Field(() => [GraphQLString], { nullable: true })
  projects: string[] | null | undefined
  @Field(() => [GraphQLString], { nullable: true })
  models: string[] | null | undefined
  @Field(() => [ID], { nullable: true })
  sessionIds: string[] | null | undefined
  @Field(() => [GraphQLString], { nullable: true })
  users: string[] | null | undefined
  @Field(() => [GraphQLString], { nullable: true })
  hosts: string[] | null | undefined
  @Field(() => [GraphQLString], { nullable: true, description: 'Git branches; the empty string is: none known.' })
  branches: string[] | null | undefined
  @Field(() => Boolean, {
    nullable: true,
    description: "true: sub-agents' records alone; false: without them.",
  })
  sidechain: boolean | null | undefined
}

@ObjectType('TokenCounts', { description: 'Tokens by kind; total is their sum.' })
@Access(READERS)
export class TokenCountsType implements TokenCounts {
  @Field(() => BigIntScalar) input!: bigint
  @Field(() => BigIntScalar) output!: bigint
  @Field(() => BigIntScalar) cacheCreation!: bigint
  @Field(() => BigIntScalar) cacheRead!: bigint
  @Field(() => BigIntScalar) total!: bigint
}

export const COST = 'USD, by the price list of this release; null where nothing of it can be priced.'

@ObjectType('ModelUsage')
@Access(READERS)
export class ModelUsageType implements ModelUsage {
  @Field(() => String) model!: string
  @Field(() => TokenCountsType) tokens!: TokenCounts
  @Field(() => BigIntScalar) recordCount!: bigint
  @Field(() => Float, { nullable: true, description: COST }) costUsd!: number | null
}

@ObjectType('UserUsage')
@Access(READERS)
export class UserUsageType implements Usage {
  @Field(() => String) user!: string
  @Field(() => TokenCountsType) tokens!: TokenCounts
  @Field(() => BigIntScalar) recordCount!: bigint
  @Field(() => Float, { nullable: true, description: COST }) costUsd!: number | null
}

@ObjectType('ProjectUsage')
@Access(READERS)
export class ProjectUsageType implements Usage {
  @Field(() => String) project!: string
  @Field(() => TokenCountsType) tokens!: TokenCounts
  @Field(() => BigIntScalar) recordCount!: bigint
  @Field(() => Float, { nullable: true, description: COST }) costUsd!: number | null
}

@ObjectType('HostUsage')
@Access(READERS)
export class HostUsageType implements Usage {
  @Field(() => String) host!: string
  @Field(() => TokenCountsType) tokens!: TokenCounts
  @Field(() => BigIntScalar) recordCount!: bigint
  @Field(() => Float, { nullable: true, description: COST }) costUsd!: number | null
}

@ObjectType('TokenBucket', {
  description: 'An hour, day, ISO week or month of a time zone: one that has records, or, with fill, any of the range.',
})
@Access(READERS)
export class TokenBucketType implements Usage {
  @Field(() => DateTimeScalar) start!: number
  @Field(() => String, { description: '2026-04-02T09:00+02:00, 2026-04-02, 2026-W14 or 2026-04.' }) label!: string
  @Field(() => TokenCountsType) tokens!: TokenCounts
  @Field(() => BigIntScalar) recordCount!: bigint
  @Field(() => Float, { nullable: true, description: COST }) costUsd!: number | null
}

@ObjectType('Provenance', { description: 'What an answer says of itself.' })
@Access(READERS)
export class ProvenanceType implements DomainProvenance {
  @Field(() => DataSourceEnum) source!: DataSource
  @Field(() => RoutingReasonEnum, { description: 'Why this source answers this user now.' }) reason!: RoutingReason
  @Field(() => String, { nullable: true }) cohort!: string | null
  @Field(() => CacheStatusEnum) cache!: CacheStatus
  @Field(() => DateTimeScalar, { description: 'The logs were counted up to this moment.' }) asOf!: number
  @Field(() => Float, { description: '0 to 1.' }) migrationProgress!: number
  @Field(() => Boolean) stale!: boolean
  @Field(() => Boolean, {
    description: 'The built-in sample, because no transcripts were found: nobody’s real figures.',
  })
  sample!: boolean
}

@ObjectType('RefusedLines')
@Access(READERS)
export class RefusedLinesType {
  @Field(() => String) reason!: string
  @Field(() => BigIntScalar) count!: bigint
}

const ARCHIVED_TOKENS =
  'Of records with a copy that ClickHouse has and this instance has on no disk that it reads (pruned, or in a journal that is not shared with it): the tokens that ClickHouse counts, less those that the files count; below 0 where the copy on disk has more and does not count. An answer of the files does not have them; where ClickHouse cannot be asked, it is as the ledger of this instance knows, at most so many, and the answer is stale.'

@ObjectType('DataQuality')
@Access(READERS)
export class DataQualityType {
  @Field(() => BigIntScalar, { description: 'Copies that do not count, because another copy does.' })
  duplicateLines!: bigint
  @Field(() => BigIntScalar, {
    description:
      'Copies that do not count and have other figures than the one that does, brought in by another user or in another way; the growth of a streamed response is none.',
  })
  conflictingCopies!: bigint
  @Field(() => [RefusedLinesType]) @Size(REFUSAL_REASONS.length) refused!: RefusedLinesType[]
  @Field(() => BigIntScalar, { description: 'Tokens without a known price: in no cost.' }) unpricedTokens!: bigint
  @Field(() => BigIntScalar, { description: ARCHIVED_TOKENS }) archivedTokens!: bigint
  @Field(() => BigIntScalar, { description: 'Bytes of logs that are not in ClickHouse yet.' }) unshippedBytes!: bigint
  @Field(() => BigIntScalar, {
    description:
      'Records that were acknowledged or published and can be read nowhere now; above 0 the answer is stale. Nobody can say whose they were: who sees a part is told 0, and that the answer is stale.',
  })
  missingRecords!: bigint
}

/** The metrics of one filter; its fields are resolved when they are asked for. */
@ObjectType('TokenMetrics')
@Access(READERS)
export class TokenMetricsType {
  readonly question: Question
  constructor(question: Question) {
    this.question = question
  }
}
