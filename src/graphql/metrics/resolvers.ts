import { Arg, Ctx, FieldResolver, Float, Int, Query, Resolver, Root } from 'type-graphql'
import { costOf } from '../../domain/cost.ts'
import { BridgeError, invalidArgument } from '../../domain/errors.ts'
import { pageSessions, type SessionOrder } from '../../domain/session-page.ts'
import type { Provenance, SourcePreference } from '../../domain/source.ts'
import { type Granularity, isTimeZone } from '../../domain/time-buckets.ts'
import {
  type ModelUsage,
  sessionMetrics,
  type TokenBucket,
  type TokenCounts,
  timeSeries,
  type Usage,
  usageByKey,
  usageByModel,
  usageOf,
} from '../../domain/usage.ts'
import { derived } from '../../reading/derived.ts'
import { Access, READERS } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { GranularityEnum, SessionOrderEnum, SourcePreferenceEnum } from '../enums.ts'
import { BigIntScalar } from '../scalars/big-int.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'
import { SessionConnectionType } from '../sessions/types.ts'
import { readFilter } from './filter.ts'
import {
  DataQualityType,
  ModelUsageType,
  ProjectUsageType,
  ProvenanceType,
  TokenBucketType,
  TokenCountsType,
  TokenFilterInput,
  TokenMetricsType,
  UserUsageType,
} from './types.ts'

@Resolver(() => TokenMetricsType)
export class TokenMetricsResolver {
  @Query(() => TokenMetricsType, {
    description:
      'Token metrics of the records that the filter selects. A preference other than AUTO is for operators, and for users whom user_source_choice_enabled allows.',
  })
  @Access(READERS)
  tokenMetrics(
    @Arg('filter', () => TokenFilterInput, { nullable: true }) filter: TokenFilterInput | null,
    @Arg('preference', () => SourcePreferenceEnum, { defaultValue: 'AUTO' }) preference: SourcePreference,
    @Ctx() { viewer }: RequestContext,
  ): TokenMetricsType {
    if (preference !== 'AUTO' && !viewer.mayChoose)
      throw new BridgeError(
        'FORBIDDEN',
        'a preference of your own needs the flag user_source_choice_enabled or the role operator',
      )
    return new TokenMetricsType({ filter: readFilter(filter), preference })
  }

  @FieldResolver(() => TokenCountsType)
  async tokens(@Root() root: TokenMetricsType, @Ctx() context: RequestContext): Promise<TokenCounts> {
    return (await this.#whole(root, context)).tokens
  }

  @FieldResolver(() => BigIntScalar)
  async recordCount(@Root() root: TokenMetricsType, @Ctx() context: RequestContext): Promise<bigint> {
    return (await this.#whole(root, context)).recordCount
  }

  @FieldResolver(() => Int)
  async sessionCount(@Root() { question }: TokenMetricsType, @Ctx() { answers }: RequestContext): Promise<number> {
    return (await answers.load(question, 'sessionCount')).answer.sessionCount ?? 0
  }

  @FieldResolver(() => Float, { nullable: true })
  async costUsd(@Root() root: TokenMetricsType, @Ctx() context: RequestContext): Promise<number | null> {
    return (await this.#whole(root, context)).costUsd
  }

  @FieldResolver(() => DateTimeScalar, { nullable: true })
  async firstAt(@Root() { question }: TokenMetricsType, @Ctx() { answers }: RequestContext): Promise<number | null> {
    return (await answers.load(question, 'whole')).answer.firstAt ?? null
  }

  @FieldResolver(() => DateTimeScalar, { nullable: true })
  async lastAt(@Root() { question }: TokenMetricsType, @Ctx() { answers }: RequestContext): Promise<number | null> {
    return (await answers.load(question, 'whole')).answer.lastAt ?? null
  }

  @FieldResolver(() => [TokenBucketType], { description: 'Buckets that hold records, the earliest first.' })
  async timeSeries(
    @Arg('granularity', () => GranularityEnum) granularity: Granularity,
    @Arg('timeZone', () => String, { defaultValue: 'UTC' }) timeZone: string,
    @Root() { question }: TokenMetricsType,
    @Ctx() { answers, priceOf }: RequestContext,
  ): Promise<TokenBucket[]> {
    if (!isTimeZone(timeZone)) throw invalidArgument('timeZone', `"${timeZone}" is not an IANA time zone`)
    const { answer } = await answers.load(question, 'slot')
    return derived(answer, `series ${granularity} ${timeZone}`, () =>
      timeSeries(answer.bySlot ?? [], granularity, timeZone, priceOf),
    )
  }

  @FieldResolver(() => [ModelUsageType], { description: 'The largest first.' })
  async byModel(
    @Root() { question }: TokenMetricsType,
    @Ctx() { answers, priceOf }: RequestContext,
  ): Promise<ModelUsage[]> {
    const { answer } = await answers.load(question, 'whole')
    return derived(answer, 'models', () => usageByModel(answer.whole, priceOf))
  }

  @FieldResolver(() => [ProjectUsageType], { description: 'The largest first.' })
  async byProject(
    @Root() { question }: TokenMetricsType,
    @Ctx() { answers, priceOf }: RequestContext,
  ): Promise<ProjectUsageType[]> {
    const { answer } = await answers.load(question, 'project')
    return derived(answer, 'projects', () =>
      usageByKey(answer.byProject ?? [], priceOf).map(({ key, ...usage }) => ({ project: key, ...usage })),
    )
  }

  @FieldResolver(() => [UserUsageType], { description: 'The largest first.' })
  async byUser(
    @Root() { question }: TokenMetricsType,
    @Ctx() { answers, priceOf }: RequestContext,
  ): Promise<UserUsageType[]> {
    const { answer } = await answers.load(question, 'user')
    return derived(answer, 'users', () =>
      usageByKey(answer.byUser ?? [], priceOf).map(({ key, ...usage }) => ({ user: key, ...usage })),
    )
  }

  @FieldResolver(() => SessionConnectionType)
  async sessions(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | null,
    @Arg('orderBy', () => SessionOrderEnum, { defaultValue: 'LAST_ACTIVITY_DESC' }) orderBy: SessionOrder,
    @Root() { question }: TokenMetricsType,
    @Ctx() { answers, priceOf }: RequestContext,
  ): Promise<SessionConnectionType> {
    const { answer, provenance } = await answers.load(question, 'session')
    const sessions = derived(answer, 'sessions', () =>
      (answer.bySession ?? []).map((session) => sessionMetrics(session, priceOf)),
    )
    const { edges, hasNextPage, endCursor, totalCount } = pageSessions(sessions, first, after ?? undefined, orderBy)
    return {
      edges: edges.map(({ cursor, node }) => ({ cursor, node: { ...node, provenance } })),
      pageInfo: { hasNextPage, endCursor },
      totalCount,
    }
  }

  @FieldResolver(() => DataQualityType, { description: 'Of the whole corpus, whatever the filter.' })
  async quality(
    @Root() { question }: TokenMetricsType,
    @Ctx() { answers, priceOf, missingRecords }: RequestContext,
  ): Promise<DataQualityType> {
    const { quality } = await answers.load(question, 'quality')
    if (quality === undefined) throw new Error('the source gave no quality')
    const { whole, ...rest } = quality
    return { ...rest, unpricedTokens: costOf(whole, priceOf).unpricedTokens, missingRecords }
  }

  @FieldResolver(() => ProvenanceType)
  async provenance(@Root() { question }: TokenMetricsType, @Ctx() { answers }: RequestContext): Promise<Provenance> {
    return (await answers.load(question, 'whole')).provenance
  }

  async #whole({ question }: TokenMetricsType, { answers, priceOf }: RequestContext): Promise<Usage> {
    const { answer } = await answers.load(question, 'whole')
    return derived(answer, 'whole', () => usageOf(answer.whole, priceOf))
  }
}
