import { Arg, Ctx, Int, Query, Resolver } from 'type-graphql'
import type { Dimension } from '../../domain/dimensions.ts'
import { invalidArgument } from '../../domain/errors.ts'
import { type FilterValue, searchValues, valuesByUse } from '../../domain/filter-values.ts'
import { LIMITS } from '../../domain/limits.ts'
import { groupsOf } from '../../domain/token-query.ts'
import { groupByModel } from '../../domain/usage.ts'
import type { Question } from '../../reading/answers.ts'
import { Access, READERS } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { Cost } from '../cost.ts'
import { DimensionEnum } from '../enums.ts'
import { FromAnswersAlone } from '../lasting.ts'
import { VALUES_COST } from '../metrics/cost.ts'
import { readFilter } from '../metrics/filter.ts'
import { TokenFilterInput } from '../metrics/types.ts'
import { FilterValueType } from './types.ts'

const MOST = LIMITS.filterValues.value
const MAX_SEARCH = LIMITS.nameLength.value

@Resolver()
export class FilterValuesResolver {
  @Query(() => [FilterValueType], {
    description:
      'Values that occur in what the filter selects, the most used first; search: part of the value, in any case (folded by the same rule for every source).',
  })
  @Access(READERS)
  @FromAnswersAlone()
  @Cost(VALUES_COST)
  async filterValues(
    @Arg('dimension', () => DimensionEnum) dimension: Dimension,
    @Arg('filter', () => TokenFilterInput, { nullable: true }) filter: TokenFilterInput | null,
    @Arg('search', () => String, { nullable: true }) search: string | null,
    @Arg('first', () => Int, { defaultValue: 50 }) first: number,
    @Ctx() { answers, derived, principal }: RequestContext,
  ): Promise<FilterValue[]> {
    if (!(first >= 1 && first <= MOST)) throw invalidArgument('first', `must be from 1 to ${MOST}, not ${first}`)
    if ((search?.length ?? 0) > MAX_SEARCH)
      throw invalidArgument('search', `must have at most ${MAX_SEARCH} characters, not ${search?.length}`)
    const question: Question = { filter: readFilter(filter), preference: 'AUTO' }
    const section = dimension === 'model' ? 'whole' : ([dimension] as const)
    const { answer } = await answers.load(question, section)
    const groups = section === 'whole' ? groupByModel(answer.whole) : groupsOf(answer, section)
    const values = await derived.of(answer, `values ${dimension}`, principal.userId, () => valuesByUse(groups))
    return searchValues(values, search ?? '', first)
  }
}
