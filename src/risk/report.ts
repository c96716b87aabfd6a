import type { Alert } from './alert-history.ts'
import type { Values } from './daily-values.ts'
import { type Effectiveness, effectivenessOf, type Incident, incidentOf, incidentsOf } from './incidents.ts'
import { RISKS, type Risk } from './risks.ts'
import { valueText } from './value-text.ts'
import type { Indicator } from './watch.ts'

// The weekly review, as Markdown: it follows from what is measured and from the alerts, and from nothing else.

export interface ReportOptions {
  indicators: readonly Indicator[]
  /** What they came to when the days began, or first after that; absent: nothing was noted so far. */
  before?: { at: number; values: Values } | undefined
  /** The latest first. */
  alerts: readonly Alert[]
  days: number
  now: number
}

const DAY_MS = 86_400_000
/** Scores are held against so many days. */
const SCORE_DAYS = 28

export function riskReport({ indicators, before, alerts, days, now }: ReportOptions): string {
  const from = now - days * DAY_MS
  const lately = alerts.filter(({ openedAt, closedAt }) => openedAt >= from || (closedAt ?? now) >= from)
  return [
    `# Risks, ${dayOf(from)} to ${dayOf(now)}`,
    '',
    ...section('Now past its line', indicators.filter(isPast).map(indicatorLine), 'nothing'),
    ...section(
      before === undefined ? 'What moved' : `What moved since ${momentOf(before.at)}`,
      movedLines(indicators, before?.values ?? {}),
      before === undefined ? 'not known: nothing was noted so far' : 'no indicator by a tenth or more',
    ),
    ...section(
      'Alerts',
      lately.map((alert) => alertLine(alert, from)),
      'no alert opened or closed',
    ),
    ...section('Incidents', incidentsOf(lately).map(incidentLine), 'none'),
    ...section('Not measured', unmeasured(indicators), 'everything is'),
    ...section(
      'Which mitigations worked',
      RISKS.flatMap((risk) => mitigationLine(risk, lately)),
      'none was needed',
    ),
    ...section('How well', effectivenessLines(effectivenessOf(lately)), ''),
    ...section(
      'Scores to change',
      RISKS.flatMap((risk) => scoreLine(risk, alerts, now)),
      'none',
    ),
  ].join('\n')
}

const section = (title: string, lines: readonly string[], otherwise: string): string[] => [
  `## ${title}`,
  '',
  ...(lines.length === 0 ? [otherwise] : lines.map((line) => `- ${line}`)),
  '',
]

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)
const momentOf = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
const isPast = ({ state }: Indicator): boolean => state === 'ALARM' || state === 'BREACHED'

const indicatorLine = ({ name, state, value, unit, alarmLine, threshold, runbook }: Indicator): string =>
  `${state} ${name}: ${valueText(value ?? 0)} ${unit}, alarm line ${alarmLine ?? 'none'}, threshold ${threshold ?? 'none'} (${runbook})`

function alertLine(alert: Alert, from: number): string {
  const { name, severity, state, level, openedAt, closedAt, acknowledgedBy, message } = alert
  const ends = `${closedAt === undefined ? state : `closed ${momentOf(closedAt)}`}, level ${level}`
  const seen = acknowledgedBy === undefined ? '' : `, seen to by ${acknowledgedBy}`
  return `${severity} ${name}: opened ${openedAt < from ? 'before, ' : ''}${momentOf(openedAt)}, ${ends}${seen}: ${message}`
}

/** With its course below it, but for what the title says. */
function incidentLine({ title, startedAt, detectedAt, resolvedAt, timeline }: Incident): string {
  const ends = resolvedAt === undefined ? 'not over' : `over after ${durationOf((resolvedAt - startedAt) / 1000)}`
  const after = timeline.filter(({ text }) => !title.endsWith(`: ${text}`))
  return [
    title,
    `began ${momentOf(startedAt)}, noticed after ${durationOf((detectedAt - startedAt) / 1000)}, ${ends}`,
    ...after.map(({ at, text, by }) => `${momentOf(at)}: ${text}${by === undefined ? '' : `, by ${by}`}`),
  ].join('\n  - ')
}

/** By less an indicator has not moved. */
const MOVED = 0.1

function movedLines(indicators: readonly Indicator[], before: Values): string[] {
  return indicators.flatMap(({ name, value, unit }) => {
    const was = before[name]
    if (was === undefined || value === null || Math.abs(value - was) < MOVED * Math.max(Math.abs(was), Math.abs(value)))
      return []
    return value === was ? [] : [`${name}: ${valueText(was)} to ${valueText(value)} ${unit}`]
  })
}

const unmeasured = (indicators: readonly Indicator[]): string[] =>
  indicators.filter(({ state }) => state === 'UNKNOWN').map(({ name, source }) => `${name} (${source})`)

function mitigationLine({ number, title }: Risk, alerts: readonly Alert[]): string[] {
  const own = alerts.filter(({ risk, closedAt }) => risk === number && closedAt !== undefined)
  if (own.length === 0) return []
  const { preventionRate, recoverySeconds } = effectivenessOf(own)
  const incidents = own.filter((one) => incidentOf(one) !== undefined).length
  const recovered = recoverySeconds === undefined ? '' : `, over after ${durationOf(recoverySeconds)} (median)`
  const prevented = `${percentOf(preventionRate)} of ${own.length} alerts came to no incident`
  return [`${number}. ${title}: ${prevented}; ${incidents} ${incidents === 1 ? 'incident' : 'incidents'}${recovered}`]
}

function effectivenessLines(found: Effectiveness): string[] {
  const { preventionRate, detectionSeconds, recoverySeconds, impactReduction } = found
  return [
    `prevention rate: ${percentOf(preventionRate)}`,
    `detection speed: ${durationOf(detectionSeconds)}`,
    `recovery time: ${durationOf(recoverySeconds)}`,
    `impact reduction: ${percentOf(impactReduction)}`,
  ]
}

/** The score of the matrix by how often something happens: from which share on each pair of scores begins. */
const BANDS: readonly [share: number, probability: number][] = [
  [0.85, 9],
  [0.6, 7],
  [0.3, 5],
  [0.1, 3],
  [0, 1],
]

function scoreLine({ number, title, probability }: Risk, alerts: readonly Alert[], now: number): string[] {
  const own = alerts.filter(({ risk }) => risk === number)
  const bad = Array.from({ length: SCORE_DAYS }, (_, i) => now - (i + 1) * DAY_MS).filter((begins) =>
    own.some(({ openedAt, closedAt = now }) => openedAt < begins + DAY_MS && closedAt >= begins),
  ).length
  const [, proposed = probability] = BANDS.find(([share]) => bad / SCORE_DAYS >= share) ?? []
  if (proposed <= probability) return []
  const why = `alerts of it were open on ${bad} of the last ${SCORE_DAYS} days`
  return [`${number}. ${title}: probability ${probability} to ${proposed}: ${why}`]
}

const percentOf = (share: number | undefined): string =>
  share === undefined ? 'not known: nothing happened' : `${(100 * share).toFixed(0)} %`

function durationOf(seconds: number | undefined): string {
  if (seconds === undefined) return 'not known: nothing happened'
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${seconds.toFixed(0)} s`
  return seconds < 7200 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`
}
