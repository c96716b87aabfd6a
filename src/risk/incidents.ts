import type { Alert, AlertMoment } from './alert-history.ts'
import type { RiskNumber } from './indicators.ts'

/** A critical alert, as it is looked back at. */
export interface Incident {
  /** That of its alert. */
  id: string
  title: string
  risk: RiskNumber | undefined
  startedAt: number
  detectedAt: number
  resolvedAt: number | undefined
  timeline: AlertMoment[]
}

/** `undefined`: the alert is no incident. */
export function incidentOf(alert: Alert): Incident | undefined {
  if (alert.severity !== 'CRITICAL') return undefined
  const { id, name, risk, startedAt, openedAt, resolvedAt, closedAt, timeline, message } = alert
  return {
    id,
    title: `${name}: ${message}`,
    risk,
    startedAt,
    detectedAt: openedAt,
    resolvedAt: resolvedAt ?? closedAt,
    timeline,
  }
}

export const incidentsOf = (alerts: readonly Alert[]): Incident[] => alerts.flatMap((one) => incidentOf(one) ?? [])

/** How well mitigation works, by what was recorded. */
export interface Effectiveness {
  /** Of the alerts that are closed, those that never became an incident, 0 to 1. */
  preventionRate: number | undefined
  /** From when something was so to when it was noticed, seconds: the median of incidents. */
  detectionSeconds: number | undefined
  /** From when it was noticed to its end, seconds: the median of incidents that are over. */
  recoverySeconds: number | undefined
  /**
   * How much less came of incidents than was to be feared, 0 to 1: what nobody sees to goes up to the last level, after
   * eight hours; so it is the share of these that was saved, on average.
   */
  impactReduction: number | undefined
}

const LAST_LEVEL_SECONDS = 8 * 3600

export function effectivenessOf(alerts: readonly Alert[]): Effectiveness {
  const closed = alerts.filter(({ closedAt }) => closedAt !== undefined)
  const incidents = incidentsOf(alerts)
  const recoveries = incidents.flatMap(({ resolvedAt, detectedAt }) =>
    resolvedAt === undefined ? [] : [Math.max(0, resolvedAt - detectedAt) / 1000],
  )
  const saved = recoveries.map((seconds) => 1 - Math.min(1, seconds / LAST_LEVEL_SECONDS))
  return {
    preventionRate:
      closed.length === 0 ? undefined : closed.filter((one) => incidentOf(one) === undefined).length / closed.length,
    detectionSeconds: median(incidents.map(({ startedAt, detectedAt }) => (detectedAt - startedAt) / 1000)),
    recoverySeconds: median(recoveries),
    impactReduction: saved.length === 0 ? undefined : saved.reduce((sum, one) => sum + one, 0) / saved.length,
  }
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  if (sorted.length === 0) return undefined
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}
