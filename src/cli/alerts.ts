import { type RemoteOptions, request } from './client.ts'
import {
  AcknowledgeAlertDocument,
  type AlertFieldsFragment,
  AlertsDocument,
  CloseIncidentDocument,
  type IncidentFieldsFragment,
  IncidentsDocument,
} from './generated.ts'
import { readFirst } from './read-first.ts'
import { printJson, printLines } from './terminal.ts'

/** `token-bridge alert list`: the latest first, with what to do about each. */
export async function listAlerts({
  all,
  first,
  ...options
}: RemoteOptions & { all: boolean; first: string }): Promise<void> {
  const states = all ? null : (['OPEN', 'ACKNOWLEDGED'] as const)
  const { alerts } = await request(AlertsDocument, { states: states && [...states], first: readFirst(first) }, options)
  show(alerts, alertLines, all ? 'there was no alert' : 'no alert is open', options)
}

/** `token-bridge alert acknowledge`: it goes up no level any more. */
export async function acknowledgeAlert(
  id: string,
  { note, ...options }: RemoteOptions & { note?: string },
): Promise<void> {
  const { acknowledgeAlert: alert } = await request(AcknowledgeAlertDocument, { id, note: note ?? null }, options)
  if (options.json) return void printJson(alert)
  printLines(alertLines(alert))
}

/** `token-bridge incident list`: critical alerts with what happened, the latest first. */
export async function listIncidents({ first, ...options }: RemoteOptions & { first: string }): Promise<void> {
  const { incidents } = await request(IncidentsDocument, { first: readFirst(first) }, options)
  show(incidents, incidentLines, 'there was no incident', options)
}

/** `token-bridge incident close`: by hand; its alert is acknowledged, too. */
export async function closeIncident(id: string, { note, ...options }: RemoteOptions & { note: string }): Promise<void> {
  const { closeIncident: incident } = await request(CloseIncidentDocument, { id, note }, options)
  if (options.json) return void printJson(incident)
  printLines(incidentLines(incident))
}

function show<T>(all: readonly T[], linesOf: (one: T) => string[], nothing: string, { json }: RemoteOptions): void {
  if (json) return void printJson(all)
  printLines(all.length === 0 ? [nothing] : all.flatMap(linesOf))
}

function alertLines(alert: AlertFieldsFragment): string[] {
  const { id, severity, name, level, openedAt, closedAt, message, runbook } = alert
  const heading = [id, severity, name, `${stateOf(alert)}, level ${level}`, `since ${openedAt}`].join('  ')
  const toDo = closedAt == null ? [`  what to do: ${runbook}`] : []
  return [heading, `  ${message}`, ...toDo]
}

function stateOf({ state, acknowledgedBy, closedAt }: AlertFieldsFragment): string {
  if (closedAt == null) return acknowledgedBy == null ? state : `${state} by ${acknowledgedBy}`
  return acknowledgedBy == null ? `${state} ${closedAt}` : `${state} ${closedAt}, seen to by ${acknowledgedBy}`
}

function incidentLines({
  id,
  title,
  risk,
  startedAt,
  detectedAt,
  resolvedAt,
  timeline,
}: IncidentFieldsFragment): string[] {
  const moments = [
    `began ${startedAt}`,
    `noticed ${detectedAt}`,
    resolvedAt == null ? 'not over' : `over ${resolvedAt}`,
  ]
  return [
    `${id}  ${title}`,
    `  ${[...(risk == null ? [] : [`risk ${risk}`]), ...moments].join(', ')}`,
    ...timeline.map(({ at, text, by }) => `  ${at}  ${text}${by == null ? '' : `, by ${by}`}`),
  ]
}
