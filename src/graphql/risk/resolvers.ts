import { Arg, Ctx, Int, Query, Resolver } from 'type-graphql'
import { invalidArgument } from '../../domain/errors.ts'
import { riskReport } from '../../risk/report.ts'
import { RISKS } from '../../risk/risks.ts'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { Size } from '../cost.ts'
import { RiskType } from './types.ts'

const DAY_MS = 86_400_000

@Resolver()
export class RiskResolver {
  @Query(() => [RiskType], {
    description: 'The seven risks with their indicators, which are measured now, by the instance that is asked.',
  })
  @Access(['operator'])
  @Size(7)
  async risks(@Ctx() { risk }: RequestContext): Promise<RiskType[]> {
    const measured = new Map((await risk.evaluate()).map((one) => [one.name, one]))
    return RISKS.map(({ indicators, ...told }) => ({
      ...told,
      indicators: indicators.flatMap((name) => measured.get(name) ?? []),
    }))
  }

  @Query(() => String, { description: 'The weekly review of the risks, as Markdown, of so many days (1 to 366).' })
  @Access(['operator'])
  async riskReport(
    @Arg('days', () => Int, { defaultValue: 7 }) days: number,
    @Ctx() { risk }: RequestContext,
  ): Promise<string> {
    if (days < 1 || days > 366) throw invalidArgument('days', 'must be from 1 to 366')
    const now = risk.now()
    return riskReport({
      indicators: await risk.evaluate(),
      before: risk.alerts.valuesAt(now - days * DAY_MS),
      alerts: risk.alerts.all(),
      days,
      now,
    })
  }
}
