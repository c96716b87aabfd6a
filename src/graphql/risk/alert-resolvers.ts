import { Arg, Ctx, ID, Int, Mutation, Query, Resolver } from 'type-graphql'
import { BridgeError, invalidArgument } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import { isPlainText } from '../../domain/plain-text.ts'
import type { AlertState } from '../../risk/alert-history.ts'
import { incidentOf, incidentsOf } from '../../risk/incidents.ts'
import { Access } from '../access.ts'
import type { RequestContext } from '../context.ts'
import { Cost } from '../cost.ts'
import { AlertStateEnum } from '../enums.ts'
import { AlertType, IncidentType } from './alert-types.ts'

const MOST = LIMITS.alertsPage.value
const PAGE = { size: ({ first }: Readonly<Record<string, unknown>>) => Math.min(Number(first), MOST) }

@Resolver()
export class AlertResolver {
  @Query(() => [AlertType], { description: 'Alerts of all instances, the latest first.' })
  @Access(['operator'])
  @Cost(PAGE)
  alerts(
    @Arg('states', () => [AlertStateEnum], { nullable: true }) states: AlertState[] | null,
    @Arg('first', () => Int, { defaultValue: 50 }) first: number,
    @Ctx() { risk }: RequestContext,
  ): AlertType[] {
    const chosen = risk.alerts.all().filter(({ state }) => states?.includes(state) ?? true)
    return chosen.slice(0, requireFirst(first))
  }

  @Query(() => [IncidentType], { description: 'Critical alerts with what happened, the latest first.' })
  @Access(['operator'])
  @Cost(PAGE)
  incidents(
    @Arg('first', () => Int, { defaultValue: 50 }) first: number,
    @Ctx() { risk }: RequestContext,
  ): IncidentType[] {
    return incidentsOf(risk.alerts.all()).slice(0, requireFirst(first))
  }

  @Mutation(() => AlertType, {
    description: 'Somebody sees to it: it goes up no level any more, on every instance, unless it grows worse.',
  })
  @Access(['operator'])
  acknowledgeAlert(
    @Arg('id', () => ID) id: string,
    @Arg('note', () => String, { nullable: true }) note: string | null,
    @Ctx() { risk, principal }: RequestContext,
  ): Promise<AlertType> {
    return risk.alerts.acknowledge(id, note ? requireNote(note) : '', principal.userId)
  }

  @Mutation(() => IncidentType, {
    description:
      'Closes an incident by hand, and acknowledges its alert, which stays until what it is about is over. One that is over is closed by itself.',
  })
  @Access(['operator'])
  async closeIncident(
    @Arg('id', () => ID) id: string,
    @Arg('note', () => String) note: string,
    @Ctx() { risk, principal }: RequestContext,
  ): Promise<IncidentType> {
    const found = risk.alerts.all().find((one) => one.id === id)
    if (found === undefined || incidentOf(found) === undefined)
      throw invalidArgument('id', 'there is no incident with this id')
    const closed = incidentOf(await risk.alerts.resolve(id, requireNote(note), principal.userId))
    if (closed === undefined) throw new BridgeError('CONFLICT', 'it is no incident any more')
    return closed
  }
}

function requireFirst(first: number): number {
  if (first < 1 || first > MOST) throw invalidArgument('first', `must be from 1 to ${MOST}`)
  return first
}

function requireNote(note: string): string {
  if (note !== '' && isPlainText(note, LIMITS.nameLength.value)) return note
  throw invalidArgument('note', `must have 1 to ${LIMITS.nameLength.value} characters, none of them hidden`)
}
