import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql'
import type { BreakdownRow } from '../../domain/breakdown.ts'
import { type BreakdownOrder, breakdownKey } from '../../domain/cuts.ts'
import type { Dimension } from '../../domain/dimensions.ts'
import { invalidArgument } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { Granularity } from '../../domain/time-buckets.ts'
import { breakdownRows, sectionOf } from '../../reading/told.ts'
import { collectInSlices, finishInSlices } from '../../turns/event-loop.ts'
import type { RequestContext } from '../context.ts'
import { Cost } from '../cost.ts'
import { BreakdownOrderEnum, DimensionEnum, GranularityEnum } from '../enums.ts'
import { BREAKDOWN_COST } from '../metrics/cost.ts'
import { readTimeZone } from '../metrics/time-zone.ts'
import { TokenMetricsType } from '../metrics/types.ts'
import { BreakdownRowType } from './types.ts'

const MAX_DIMENSIONS = LIMITS.breakdownDimensions.value
const MAX_ROWS = LIMITS.breakdownFirst.value

@Resolver(() => TokenMetricsType)
export class BreakdownResolver {
  @FieldResolver(() => [BreakdownRowType], {
    description:
      '1 to 3 dimensions; the largest `first` (1 to 1000) combinations over the whole range, and one isOther row a bucket for the rest: all rows together are the whole. Equal ones are ordered by their values as UTF-8 bytes; what cannot be priced comes last by cost. Buckets ascend, within one rows are in the order asked for, what was cut off last.',
  })
  @Cost(BREAKDOWN_COST)
  async breakdown(
    @Arg('by', () => [DimensionEnum]) by: Dimension[],
    @Arg('granularity', () => GranularityEnum, { nullable: true }) granularity: Granularity | null,
    @Arg('timeZone', () => String, { defaultValue: 'UTC' }) timeZone: string,
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('orderBy', () => BreakdownOrderEnum, { defaultValue: 'TOKENS_DESC' }) orderBy: BreakdownOrder,
    @Root() { question }: TokenMetricsType,
    @Ctx() { answers, derived, priceOf, principal }: RequestContext,
  ): Promise<BreakdownRowType[]> {
    assertDimensions(by)
    if (!(first >= 1 && first <= MAX_ROWS))
      throw invalidArgument('first', `must be from 1 to ${MAX_ROWS}, not ${first}`)
    const zone = readTimeZone(timeZone)
    const buckets = granularity === null || granularity === undefined ? undefined : { granularity, timeZone: zone }
    const breakdown = { by, buckets, first, orderBy }
    const { answer } = await answers.load(question, sectionOf(breakdown))
    return derived.of(answer, `breakdown ${breakdownKey(breakdown)}`, principal.userId, async (turn) => {
      const rows = await finishInSlices(breakdownRows(answer, breakdown, priceOf), turn)
      return collectInSlices(shown(rows, by), turn)
    })
  }
}

/** Rows with the names of their values; each is made when it is taken. */
function* shown(rows: readonly BreakdownRow[], by: readonly Dimension[]): Generator<BreakdownRowType> {
  for (const { values, ...row } of rows)
    yield { ...row, values: values.map((value, i) => ({ dimension: by[i] as Dimension, value })) }
}

function assertDimensions(by: readonly Dimension[]): void {
  if (by.length < 1 || by.length > MAX_DIMENSIONS)
    throw invalidArgument('by', `must be 1 to ${MAX_DIMENSIONS} dimensions, not ${by.length}`)
  const twice = by.find((name, i) => by.indexOf(name) !== i)
  if (twice !== undefined) throw invalidArgument('by', `names ${twice.toUpperCase()} twice`)
}
