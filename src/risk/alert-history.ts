import type { AlertEntry } from '../ports/journal.ts'
import { subjectOf } from './alert-names.ts'
import { type RiskNumber, SEVERITIES, type Severity } from './indicators.ts'
import { runbookOf } from './runbooks.ts'

// What alerts are follows from what happened to each name, in one order that is the same everywhere.

export const ALERT_STATES = ['OPEN', 'ACKNOWLEDGED', 'CLOSED'] as const
export type AlertState = (typeof ALERT_STATES)[number]

export interface AlertMoment {
  at: number
  text: string
  by: string | undefined
}

/** Something that those who are to be woken are told, with what it was then. */
export interface AlertStep {
  event: 'opened' | 'worsened' | 'escalated' | 'closed'
  at: number
  severity: Severity
  level: number
  message: string
}

/** Something is past its line, or was. */
export interface Alert {
  id: string
  name: string
  risk: RiskNumber | undefined
  severity: Severity
  state: AlertState
  /** 1 to 3: who is to see to it. */
  level: number
  /** Since when it was so. */
  startedAt: number
  /** When it was noticed. */
  openedAt: number
  /** Nobody has acknowledged it since then, or before it grew worse: levels count from here. */
  countsFrom: number
  acknowledgedAt: number | undefined
  acknowledgedBy: string | undefined
  closedAt: number | undefined
  /** An operator has closed the incident of it. */
  resolvedAt: number | undefined
  message: string
  runbook: string
  /** Those who see it now, with when they said so last. */
  seenBy: Map<string, number>
  /** Instances that had not heard of it may have opened, and told, it under these. */
  otherIds: string[]
  /** What is to be told of it, in order. */
  steps: AlertStep[]
  timeline: AlertMoment[]
}

/** In the order in which things happened, the same one everywhere. */
export const inOrder = (a: AlertEntry, b: AlertEntry): number =>
  a.at - b.at || (a.instance < b.instance ? -1 : a.instance > b.instance ? 1 : 0)

/** Of the alert that an entry opens. */
export const alertIdOf = ({ at, instance }: AlertEntry): string => `${at.toString(36)}-${instance}`

export const isWorse = (one: Severity, other: Severity): boolean => SEVERITIES.indexOf(one) > SEVERITIES.indexOf(other)

/** The alerts of one name, the oldest first; entries in order. */
export function alertsOf(entries: readonly AlertEntry[]): Alert[] {
  const alerts: Alert[] = []
  for (const entry of entries) {
    const last = alerts.at(-1)
    const open = last?.state === 'CLOSED' ? undefined : last
    if (entry.event === 'raised' && open === undefined) alerts.push(opened(entry))
    else if (open !== undefined) happened(open, entry)
  }
  return alerts
}

function opened(entry: AlertEntry): Alert {
  const { at, instance, name, text, since = at, of = instance } = entry
  const subject = subjectOf(name)
  const alert: Alert = {
    id: alertIdOf(entry),
    name,
    risk: subject.risk,
    severity: entry.severity ?? subject.severity,
    state: 'OPEN',
    level: 1,
    startedAt: Math.min(since, at),
    openedAt: at,
    countsFrom: at,
    acknowledgedAt: undefined,
    acknowledgedBy: undefined,
    closedAt: undefined,
    resolvedAt: undefined,
    message: text,
    runbook: runbookOf(name),
    seenBy: new Map([[of, at]]),
    otherIds: [],
    steps: [],
    timeline: [{ at, text, by: undefined }],
  }
  step(alert, 'opened', at)
  return alert
}

const step = (alert: Alert, event: AlertStep['event'], at: number): void => {
  const { severity, level, message } = alert
  alert.steps.push({ event, at, severity, level, message })
}

function happened(alert: Alert, entry: AlertEntry): void {
  const { at, event, text, by, of = entry.instance } = entry
  const note = (told: string): void => void alert.timeline.push({ at, text: told, by })
  if (event === 'raised') raised(alert, entry)
  else if (event === 'recovered' && alert.seenBy.delete(of)) {
    note(text)
    if (alert.seenBy.size > 0) return
    Object.assign(alert, { state: 'CLOSED', closedAt: at })
    step(alert, 'closed', at)
  } else if (event === 'acknowledged' && isOfMilder(alert, entry)) {
    note(`acknowledged as ${entry.severity}: ${text}`)
  } else if (event === 'acknowledged' && alert.state === 'OPEN') {
    acknowledged(alert, entry)
    note(text === '' ? 'acknowledged' : `acknowledged: ${text}`)
  } else if (event === 'escalated') escalated(alert, entry)
  else if (event === 'resolved') resolved(alert, entry)
}

/** Whoever said so had not heard yet that it is worse: it says nothing of what it is now. */
const isOfMilder = (alert: Alert, { severity = alert.severity }: AlertEntry): boolean =>
  isWorse(alert.severity, severity)

function raised(alert: Alert, entry: AlertEntry): void {
  const { at, text, severity = alert.severity, of = entry.instance } = entry
  if (!alert.seenBy.has(of)) alert.otherIds.push(alertIdOf(entry))
  if (isWorse(severity, alert.severity)) {
    Object.assign(alert, { severity, message: text })
    if (alert.state === 'ACKNOWLEDGED') reopened(alert, at)
    step(alert, 'worsened', at)
    alert.timeline.push({ at, text: `now ${severity}: ${text}`, by: undefined })
  } else if (!alert.seenBy.has(of)) alert.timeline.push({ at, text, by: undefined })
  alert.seenBy.set(of, at)
}

/** Who acknowledged it has seen to something milder: all begins anew. */
function reopened(alert: Alert, at: number): void {
  const unseen = { acknowledgedAt: undefined, acknowledgedBy: undefined, resolvedAt: undefined }
  Object.assign(alert, { state: 'OPEN', level: 1, countsFrom: at, ...unseen })
}

function escalated(alert: Alert, entry: AlertEntry): void {
  const { at, level = 0, text } = entry
  if (level <= alert.level || alert.state !== 'OPEN' || isOfMilder(alert, entry)) return
  alert.level = level
  step(alert, 'escalated', at)
  alert.timeline.push({ at, text: `level ${level}: ${text}`, by: undefined })
}

/** Whoever closes an incident has seen to its alert, too. */
function resolved(alert: Alert, entry: AlertEntry): void {
  if (alert.resolvedAt !== undefined) return
  if (alert.state === 'OPEN') acknowledged(alert, entry)
  alert.resolvedAt = entry.at
  alert.timeline.push({ at: entry.at, text: `closed: ${entry.text}`, by: entry.by })
}

function acknowledged(alert: Alert, { at, by }: AlertEntry): void {
  Object.assign(alert, { state: 'ACKNOWLEDGED', acknowledgedAt: at, acknowledgedBy: by })
}
