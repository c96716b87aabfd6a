import { Arg, Ctx, Query, Resolver } from 'type-graphql'
import { invalidArgument } from '../../domain/errors.ts'
import { isUnreadable, type Unreadable } from '../../domain/unreadable.ts'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'
import { ExperimentType } from './types.ts'

@Resolver()
export class ExperimentResolver {
  @Query(() => ExperimentType, {
    description:
      'What the experiment shows: users, questions and measures of each arm, and how they differ. from and to select whole days, by UTC; to is the first moment that is not asked for.',
  })
  @Access(['operator'])
  experiment(
    @Arg('from', () => DateTimeScalar, { nullable: true }) from: number | Unreadable | null,
    @Arg('to', () => DateTimeScalar, { nullable: true }) to: number | Unreadable | null,
    @Ctx() { experiment }: RequestContext,
  ): ExperimentType {
    const [first, end] = [momentOf('from', from), momentOf('to', to)]
    if (first !== undefined && end !== undefined && first > end) throw invalidArgument('from', 'must not be after to')
    const report = experiment.report(first, end)
    return { ...report, arms: report.arms.map((arm) => ({ ...arm, questions: BigInt(arm.questions) })) }
  }
}

function momentOf(name: 'from' | 'to', given: number | Unreadable | null): number | undefined {
  if (isUnreadable(given)) throw invalidArgument(name, given.unreadable)
  return given ?? undefined
}
