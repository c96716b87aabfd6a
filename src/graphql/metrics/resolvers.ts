import { Arg, Ctx, FieldResolver, Float, Int, Query, Resolver, Root } from 'type-graphql'
import { costOf } from '../../domain/cost.ts'
import type { SessionOrder } from '../../domain/cuts.ts'
import type { GroupedDimension } from '../../domain/dimensions.ts'
import { BridgeError } from '../../domain/errors.ts'
import { isEverything } from '../../domain/scope.ts'
import { pageSessions, readSessionCut } from '../../domain/session-page.ts'
import type { Provenance, SourcePreference } from '../../domain/source.ts'
import { type Buckets, bucketStarts, type Granularity } from '../../domain/time-buckets.ts'
import { type GroupUsage, groupsOf, type TokenAnswer } from '../../domain/token-query.ts'
import {
  groupByModel,
  largestFirst,
  type ModelUsage,
  sessionMetrics,
  type TokenBucket,
  type TokenCounts,
  timeSeries,
  type Usage,
  usageOf,
  usages,
} from '../../domain/usage.ts'
import type { Question } from '../../reading/answers.ts'
import { allSessions, sessionsOfPage } from '../../reading/told.ts'
import { collectInSlices, finishInSlices } from '../../turns/event-loop.ts'
import { Access, READERS } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { Cost, Size } from '../cost.ts'
import { check } from '../cost-error.ts'
import { GranularityEnum, SessionOrderEnum, SourcePreferenceEnum } from '../enums.ts'
import { FromAnswersAlone, notePassing } from '../lasting.ts'
import { BigIntScalar } from '../scalars/big-int.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'
import { SessionConnectionType } from '../sessions/types.ts'
import { METRICS_COST, SERIES_COST } from './cost.ts'
import { readFilter } from './filter.ts'
import { readTimeZone } from './time-zone.ts'
import {
  DataQualityType,
  HostUsageType,
  ModelUsageType,
  ProjectUsageType,
  ProvenanceType,
  TokenBucketType,
  TokenCountsType,
  TokenFilterInput,
  TokenMetricsType,
  UserUsageType,
} from './types.ts'

/** One record of the year 2261, which anybody may bring in, must not make the series too long for all who see it. */
function futureGaps({ lastAt }: TokenAnswer, buckets: Buckets): { gapsAfter?: number } {
  const now = Date.now()
  return lastAt !== undefined && lastAt > now ? { gapsAfter: bucketStarts(buckets)(now) } : {}
}

/** Nobody knows how far apart the first and the last record are before they are there. */
function* counted(series: Iterable<TokenBucket>, isFilled: boolean): Generator<TokenBucket, void, undefined> {
  let count = 0
  for (const bucket of series) {
    if (isFilled) check('filledBuckets', ++count)
    yield bucket
  }
}

@Resolver(() => TokenMetricsType)
export class TokenMetricsResolver {
  @Query(() => TokenMetricsType, {
    description:
      'Token metrics of the records that the filter selects. A preference other than AUTO is for operators, and for users whom user_source_choice_enabled allows.',
  })
  @Access(READERS)
  @FromAnswersAlone()
  @Cost(METRICS_COST)
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

  @FieldResolver(() => [TokenBucketType], {
    description:
      "The earliest first: the buckets that hold records; with fill those without, too, from the first to the last (to today, where that one is later), or over the filter's range.",
  })
  @Cost(SERIES_COST)
  async timeSeries(
    @Arg('granularity', () => GranularityEnum) granularity: Granularity,
    @Arg('timeZone', () => String, { defaultValue: 'UTC' }) timeZone: string,
    @Arg('fill', () => Boolean, { defaultValue: false }) fill: boolean,
    @Root() { question }: TokenMetricsType,
    @Ctx() context: RequestContext,
  ): Promise<TokenBucket[]> {
    const { derived, priceOf, principal } = context
    const { from, to } = question.filter
    const buckets: Buckets = { granularity, timeZone: readTimeZone(timeZone) }
    const { answer } = await context.answers.load(question, [buckets])
    // which buckets there are follows from the time
    if (fill) notePassing(context)
    // the range is part of the question, but not of the answer: several ranges may have the same one
    const range = fill ? { from, to, ...futureGaps(answer, buckets) } : undefined
    const key = `series ${granularity} ${buckets.timeZone} ${JSON.stringify(range)}`
    return derived.of(answer, key, principal.userId, (turn) =>
      collectInSlices(counted(timeSeries(groupsOf(answer, [buckets]), buckets, priceOf, range), fill), turn),
    )
  }

  @FieldResolver(() => [ModelUsageType], { description: 'The largest first.' })
  @Size(20)
  async byModel(@Root() { question }: TokenMetricsType, @Ctx() context: RequestContext): Promise<ModelUsage[]> {
    const { answer } = await context.answers.load(question, 'whole')
    return this.#largest(
      context,
      answer,
      'models',
      () => groupByModel(answer.whole),
      (model, usage) => ({ model, ...usage }),
    )
  }

  @FieldResolver(() => [ProjectUsageType], { description: 'The largest first.' })
  @Size(100)
  async byProject(@Root() { question }: TokenMetricsType, @Ctx() context: RequestContext): Promise<ProjectUsageType[]> {
    return this.#by('project', question, context, (project, usage) => ({ project, ...usage }))
  }

  @FieldResolver(() => [UserUsageType], { description: 'The largest first.' })
  @Size(50)
  async byUser(@Root() { question }: TokenMetricsType, @Ctx() context: RequestContext): Promise<UserUsageType[]> {
    return this.#by('user', question, context, (user, usage) => ({ user, ...usage }))
  }

  @FieldResolver(() => [HostUsageType], { description: 'The largest first.' })
  @Size(50)
  async byHost(@Root() { question }: TokenMetricsType, @Ctx() context: RequestContext): Promise<HostUsageType[]> {
    return this.#by('host', question, context, (host, usage) => ({ host, ...usage }))
  }

  @FieldResolver(() => SessionConnectionType)
  async sessions(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | null,
    @Arg('orderBy', () => SessionOrderEnum, { defaultValue: 'LAST_ACTIVITY_DESC' }) orderBy: SessionOrder,
    @Root() { question }: TokenMetricsType,
    @Ctx() context: RequestContext,
  ): Promise<SessionConnectionType> {
    const { derived, priceOf, principal } = context
    const cut = readSessionCut(first, after ?? undefined, orderBy)
    const { answer, provenance } = await context.answers.load(question, { sessionPage: cut })
    const all = await derived.of(answer, `sessions ${orderBy}`, principal.userId, (turn) =>
      finishInSlices(allSessions(answer, orderBy, priceOf), turn),
    )
    const { edges, hasNextPage, endCursor } = pageSessions(sessionsOfPage(answer, cut, all, priceOf), cut)
    return {
      edges: edges.map(({ cursor, node }) => ({ cursor, node: { ...sessionMetrics(node, priceOf), provenance } })),
      pageInfo: { hasNextPage, endCursor },
      totalCount: all?.length ?? answer.sessionCount ?? 0,
    }
  }

  @FieldResolver(() => DataQualityType, {
    description:
      'Of all that the caller may see, whatever the filter: copies by their fields, refused lines and bytes by the log that they stand in.',
  })
  async quality(
    @Root() { question }: TokenMetricsType,
    @Ctx() { answers, priceOf, missingRecords, principal }: RequestContext,
  ): Promise<DataQualityType> {
    const { quality } = await answers.load(question, 'quality')
    if (quality === undefined) throw new Error('the source gave no quality')
    const { whole, ...rest } = quality
    return {
      ...rest,
      unpricedTokens: costOf(whole, priceOf).unpricedTokens,
      // whose they were can be read nowhere
      missingRecords: isEverything(principal.access) ? await missingRecords() : 0n,
    }
  }

  @FieldResolver(() => ProvenanceType)
  async provenance(@Root() { question }: TokenMetricsType, @Ctx() { answers }: RequestContext): Promise<Provenance> {
    return (await answers.load(question, 'whole')).provenance
  }

  async #by<T>(
    dimension: GroupedDimension,
    question: Question,
    context: RequestContext,
    show: (value: string, usage: Usage) => T,
  ): Promise<T[]> {
    const { answer } = await context.answers.load(question, [dimension])
    return this.#largest(context, answer, `by ${dimension}`, () => groupsOf(answer, [dimension]), show)
  }

  /** The usage of each group of one dimension, the largest first; computed in slices, once for each answer. */
  async #largest<T>(
    { derived, priceOf, principal }: RequestContext,
    answer: TokenAnswer,
    name: string,
    groups: () => readonly GroupUsage[],
    show: (value: string, usage: Usage) => T,
  ): Promise<T[]> {
    return derived.of(answer, name, principal.userId, async (turn) => {
      const all = await collectInSlices(usages(groups(), priceOf), turn)
      return largestFirst(all).map(({ values: [value = ''], start: _, ...usage }) => show(value, usage))
    })
  }

  async #whole(
    { question }: TokenMetricsType,
    { answers, derived, priceOf, principal }: RequestContext,
  ): Promise<Usage> {
    const { answer } = await answers.load(question, 'whole')
    return derived.of(answer, 'whole', principal.userId, () => usageOf(answer.whole, priceOf))
  }
}
